"""Who and what is in the demo: two merchants, their studios and staff, their goods and offers.

Only data and its shapes. The goods are in pavilion.json: names, customs codes and label facts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TIME_ZONE: Final = "Asia/Almaty"
CURRENCY: Final = "CNY"
HOLD_SECONDS: Final = 300
FOOD: Final = {"Honey", "Wine", "Tea", "Dried fruit, nuts", "Sweets, bakery", "Grain, oil"}


@dataclass(frozen=True, slots=True)
class House:
    """A merchant with one studio and one show."""

    merchant: str
    name: dict[str, str]
    studio: str
    studio_name: str
    show_title: dict[str, str]
    host: str  # account names
    seller: str


PANTRY: Final = House(
    "steppe-pantry",
    {"en": "Steppe Pantry", "zh": "草原食集", "ru": "Степная лавка"},
    "st-pantry",
    "Pantry studio",
    {"en": "An evening of honey and tea", "zh": "蜂蜜与茶之夜", "ru": "Вечер мёда и чая"},
    "host",
    "merchant",
)
CRAFTS: Final = House(
    "caravan-crafts",
    {"en": "Caravan Crafts", "zh": "驼队工坊", "ru": "Караван ремёсел"},
    "st-crafts",
    "Crafts studio",
    {"en": "Made by hand, one by one", "zh": "一针一线，皆为手作", "ru": "Сделано руками, по одной вещи"},
    "crafts-host",
    "crafts-merchant",
)
HOUSES: Final = (PANTRY, CRAFTS)
OPERATOR: Final = "operator"
ACCOUNTS: Final = (*(name for house in HOUSES for name in (house.host, house.seller)), OPERATOR)

# What the pantry sells tonight, in order; the price before, in per cent of the price now, where there is one
TONIGHT: Final = {
    "linden-honey": 115,
    "ceylon-black-tea": None,
    "dried-apricots": 120,
    "pistachios-in-shell": None,
    "saperavi": 110,
    "chocolate-bar-filled": None,
    "buckwheat-honey": None,
    "darjeeling-tea": 112,
    "walnut-kernels": None,
    "candy-halva": None,
}
LIMIT: Final = 10  # pieces of an offer for one buyer
BUNDLE: Final[dict[str, Any]] = {
    "title": {"en": "Tea and honey for two", "zh": "茶蜜双人礼", "ru": "Чай и мёд на двоих"},
    "skus": ("ceylon-black-tea", "linden-honey"),
    "price": 13_900,
    "cap": 40,
}


def goods(house: House) -> list[dict[str, Any]]:
    """The products of a merchant, as they stand in pavilion.json."""
    products = json.loads((Path(__file__).parent / "pavilion.json").read_text())
    return [product for product in products if (product["category"] in FOOD) == (house is PANTRY)]


def picture(sku: str) -> str:
    return f"/web/pictures/{sku}.svg"


def rundown(house: House) -> list[dict[str, Any]]:
    """The offers of a house's show as the API takes them: every SKU grants half of its stock once."""
    products = {product["sku"]: product for product in goods(house)}
    chosen = TONIGHT if house is PANTRY else dict.fromkeys(products)
    offers = [_single(products[sku], before) for sku, before in chosen.items()]
    return [*offers[:3], _bundle(products), *offers[3:]] if house is PANTRY else offers


def _single(product: dict[str, Any], before_percent: int | None) -> dict[str, Any]:
    return {
        "offer": None,
        "title": product["title"],
        "image": picture(product["sku"]),
        "lines": [{"sku": product["sku"], "units": 1}],
        "price": product["price"],
        "before": product["price"] * before_percent // 10_000 * 100 if before_percent else None,
        "cap": None,
        "limit": LIMIT,
        "allot": {product["sku"]: product["stock"] // 2},
    }


def _bundle(products: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "offer": None,
        "title": BUNDLE["title"],
        "image": picture(BUNDLE["skus"][0]),
        "lines": [{"sku": sku, "units": 1} for sku in BUNDLE["skus"]],
        "price": BUNDLE["price"],
        "before": sum(products[sku]["price"] for sku in BUNDLE["skus"]),
        "cap": BUNDLE["cap"],
        "limit": 2,
        "allot": {},
    }
