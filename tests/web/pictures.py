"""Takes a picture of every page in every shape, for looking at, and those of the README.

python -m tests.web.pictures [--out var/pictures] [name …]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, Page, expect

from tests.web.browsing import chromium, serving
from tests.web.fake_shop import FakeShop

PHONE, TABLET, DESK = (360, 780), (768, 1024), (1440, 900)
CONTACT: Final = {"name": "Aigerim S.", "phone": "+7 701 123 45 67", "address": "Abai 12, Almaty, Kazakhstan"}
Steps = Callable[[Page, FakeShop], Awaitable[None]]


@dataclass(frozen=True)
class Picture:
    """One picture: where, how large, in what light and language, after which steps."""

    name: str
    path: str
    size: tuple[int, int]
    steps: Steps
    light: str = "light"
    language: str = "en"
    goods: str = "good"
    tall: bool = False


async def nothing(page: Page, shop: FakeShop) -> None:
    await page.wait_for_timeout(600)


async def playing(page: Page, shop: FakeShop) -> None:
    await expect(page.get_by_test_id("sound-on")).to_be_visible(timeout=15_000)
    if shop.offers:
        first = next(iter(shop.offers))
        shop.pin = {"offer": first, "pts_90khz": None, "pinned_at": 0}
        shop.tell(pin=shop.pin)
        await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    await page.wait_for_timeout(700)


async def in_cart(page: Page, shop: FakeShop) -> None:
    await playing(page, shop)
    for card in (0, 2):
        rail = page.get_by_test_id("rail").get_by_test_id("offer-card").nth(card)
        await rail.get_by_test_id("add").click()
    await page.wait_for_timeout(300)


async def cart(page: Page, shop: FakeShop) -> None:
    await in_cart(page, shop)
    await page.get_by_test_id("cart").click()
    await page.wait_for_timeout(400)


async def rail_open(page: Page, shop: FakeShop) -> None:
    await playing(page, shop)
    await page.get_by_test_id("open-rail").click()
    await page.wait_for_timeout(500)


async def empty_cart(page: Page, shop: FakeShop) -> None:
    await playing(page, shop)
    await page.get_by_test_id("cart").click()
    await page.wait_for_timeout(400)


async def checkout(page: Page, shop: FakeShop) -> None:
    await cart(page, shop)
    await page.get_by_test_id("checkout").click()
    await page.locator("[name=name]").fill("Aigerim")
    await page.locator("[name=phone]").fill("12")
    await page.get_by_test_id("place-order").click()
    await page.wait_for_timeout(300)


async def ordered(page: Page, shop: FakeShop) -> None:
    await checkout(page, shop)
    for name, value in CONTACT.items():
        await page.locator(f"[name={name}]").fill(value)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await page.wait_for_timeout(300)


async def paid(page: Page, shop: FakeShop) -> None:
    await ordered(page, shop)
    shop.turn(next(iter(shop.orders)), "paid")
    await page.wait_for_timeout(400)


PLAYER: Final = [
    Picture(f"player-{where}-{light}-{language}", "/shows/demo", size, playing, light, language)
    for where, size in (("phone", PHONE), ("tablet", TABLET), ("desk", DESK))
    for light, language in (("light", "en"), ("dark", "zh"), ("light", "ru"))
]
STATES: Final = [
    Picture("player-phone-cart", "/shows/demo", PHONE, cart),
    Picture("player-phone-cart-ru-dark", "/shows/demo", PHONE, cart, "dark", "ru"),
    Picture("player-desk-cart", "/shows/demo", DESK, cart, "light", "zh"),
    Picture("player-phone-incart", "/shows/demo", PHONE, in_cart, "light", "zh"),
    Picture("player-phone-empty-cart", "/shows/demo", PHONE, empty_cart),
    Picture("player-phone-checkout", "/shows/demo", PHONE, checkout, "light", "ru"),
    Picture("player-desk-checkout", "/shows/demo", DESK, checkout, "dark", "en"),
    Picture("player-phone-ordered", "/shows/demo", PHONE, ordered),
    Picture("player-desk-ordered", "/shows/demo", DESK, ordered, "light", "ru"),
    Picture("player-phone-paid", "/shows/demo", PHONE, paid, "dark", "zh"),
    Picture("player-phone-tall", "/shows/demo", PHONE, playing, "light", "en", tall=True),
    Picture("player-phone-tall-rail", "/shows/demo", PHONE, rail_open, "light", "ru", tall=True),
    Picture("player-desk-tall", "/shows/demo", DESK, playing, "dark", "en", tall=True),
    Picture("player-phone-long", "/shows/demo", PHONE, playing, "light", "ru", "long"),
    Picture("player-desk-long", "/shows/demo", DESK, playing, "dark", "en", "long"),
    Picture("player-phone-none", "/shows/demo", PHONE, playing, "light", "en", "none"),
    Picture("player-desk-none", "/shows/demo", DESK, playing, "dark", "zh", "none"),
    Picture("player-phone-waiting", "/shows/tea", PHONE, nothing, "light", "ru"),
    Picture("player-desk-waiting", "/shows/tea", DESK, nothing, "light", "en"),
    Picture("player-phone-ended", "/shows/ended", PHONE, nothing, "dark", "en"),
    Picture("player-phone-unknown", "/shows/nowhere", PHONE, nothing, "light", "zh"),
]
ALL: Final = [*PLAYER, *STATES]


async def take(browser: Browser, picture: Picture, out: Path) -> None:
    shop = FakeShop(picture.goods, size=(360, 640) if picture.tall else None)
    width, height = picture.size
    context: dict[str, Any] = {
        "viewport": {"width": width, "height": height},
        "device_scale_factor": 2 if width < 600 else 1,
        "color_scheme": picture.light,
        "locale": {"en": "en-GB", "zh": "zh-CN", "ru": "ru-RU"}[picture.language],
        "timezone_id": "Asia/Shanghai",
        "has_touch": width < 1000,
    }
    async with serving(shop) as origin:
        tab = await browser.new_context(**context)
        page = await tab.new_page()
        page.on("console", lambda line: line.type in ("error", "warning") and print(picture.name, line.text))
        page.on("pageerror", lambda error: print(picture.name, error))
        await page.goto(origin + picture.path)
        await picture.steps(page, shop)
        await page.screenshot(path=out / f"{picture.name}.png")
        await tab.close()


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, default=Path("var/pictures"))
    options.add_argument("names", nargs="*")
    wanted = options.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    async with chromium() as browser:
        for picture in ALL:
            if not wanted.names or any(name in picture.name for name in wanted.names):
                await take(browser, picture, wanted.out)


if __name__ == "__main__":
    asyncio.run(main())
