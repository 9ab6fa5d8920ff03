"""Goods and shows for page states: names as a pavilion would have them, very long ones, and none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

WEB: Final = Path(__file__).parents[2] / "web"
SLUGS: Final[list[str]] = json.loads((WEB / "pictures/names.json").read_text())

# title in en, zh, ru; price in fen; the price before; units free; limit per buyer
GOODS: Final[list[tuple[str, str, str, int, int | None, int, int | None]]] = [
    ("Linden honey", "椴树蜜", "Липовый мёд", 8800, 10800, 42, None),
    ("Dried apricots", "杏干", "Курага", 4900, None, 4, None),
    ("Silk scarf", "丝绸围巾", "Шёлковый платок", 23800, 29800, 12, 2),
    ("Ceramic tableware", "陶瓷餐具", "Керамическая посуда", 15800, None, 30, None),
    ("Saperavi", "萨佩拉维红酒", "Саперави", 14800, None, 0, None),
    ("Amber beads", "琥珀项链", "Янтарные бусы", 56000, 62000, 3, 1),
    ("Ceylon black tea", "锡兰红茶", "Чёрный чай", 6500, None, 60, None),
    ("Nesting doll", "套娃", "Матрёшка", 12800, None, 18, None),
    ("Pistachios in shell", "开心果", "Фисташки", 8900, 9900, 25, None),
    ("Cashmere shawl", "山羊绒披肩", "Кашемировая шаль", 69000, None, 6, None),
    ("Kelim, hand-woven", "手工编织毯", "Килим ручной работы", 128000, None, 2, None),
    ("Electric kettle", "电热水壶", "Электрочайник", 12900, None, 40, None),
]
LONG: Final = {
    "en": "Hand-knotted wool carpet from the workshops of the old town, natural dyes, 140 × 200 cm",
    "zh": "老城作坊手工打结纯羊毛地毯，天然植物染色，一百四十乘二百厘米，附产地证明与保养说明",
    "ru": "Шерстяной ковёр ручного узелкового плетения из мастерских старого города, природные красители",
}


def slug(title: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in title.lower()).replace("--", "-").strip("-")


def offers(kind: str) -> list[dict[str, Any]]:
    """The offers of a rundown; `kind` is `good`, `long` (names that do not fit) or `none`."""
    if kind == "none":
        return []
    made = []
    for number, (en, zh, ru, price, before, free, limit) in enumerate(GOODS, 1):
        title = LONG if kind == "long" and number % 2 else {"en": en, "zh": zh, "ru": ru}
        made.append(
            {
                "id": f"offer-{number}",
                "title": title,
                "image": f"/web/pictures/{slug(en)}.svg" if kind != "long" or number % 3 else None,
                "lines": [{"sku": f"sku-{number}", "units": 1}],
                "price": price,
                "before": before,
                "limit": limit,
                "available": free,
                "sold_out": free == 0,
                "withdrawn": False,
            }
        )
    return made


def show(show_id: str, now_ms: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": show_id,
        "title": {
            "en": "Evening at the pavilion",
            "zh": "馆里的傍晚：沿路好物",
            "ru": "Вечер в павильоне",
        },
        "state": "opened",
        "on_air": True,
        "starts_at": now_ms - 1_200_000,
        "time_zone": "Asia/Urumqi",
        "currency": "CNY",
        "hold_seconds": 600,
        "merchant": {
            "id": "m1",
            "name": {"en": "Five Rivers Trading", "zh": "五河商行", "ru": "Пять рек"},
        },
        **changes,
    }


def amounts(lines: list[dict[str, Any]]) -> dict[str, Any]:
    goods = sum(line["price"] * line["quantity"] for line in lines)
    return {"goods": goods, "freight": 0, "tax": 0, "discount": 0, "total": goods, "currency": "CNY"}
