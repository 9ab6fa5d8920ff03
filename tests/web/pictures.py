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

from tests.web import access_steps
from tests.web.access_steps import signed_in
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
    whole: bool = False  # all of a page that is longer than the screen


async def nothing(page: Page, shop: FakeShop) -> None:
    await page.wait_for_timeout(600)


async def playing(page: Page, shop: FakeShop) -> None:
    await expect(page.get_by_test_id("sound-on")).to_be_visible()
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


async def held(page: Page, shop: FakeShop) -> None:
    await ordered(page, shop)
    await page.get_by_test_id("sheet-close").click()
    await page.get_by_test_id("rail").get_by_test_id("add").nth(3).click()
    await page.wait_for_timeout(400)


async def paid(page: Page, shop: FakeShop) -> None:
    await ordered(page, shop)
    shop.turn(next(iter(shop.orders)), "paid")
    await page.wait_for_timeout(400)


async def hosting(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "host")
    if shop.offers:
        await expect(page.get_by_test_id("rundown")).to_be_visible()
        names = list(shop.offers)
        for number, state in enumerate(("paid", "paid", "lapsed", "paid", "awaiting_payment"), 1):
            offer = shop.offers[names[number * 2 % 11]]
            line = {"offer": offer["id"], "quantity": 1 + number % 2, "price": offer["price"]}
            if offer["available"] > 2:
                shop.turn(shop.keep([line], CONTACT)["id"], state)
        await page.keyboard.press("3")
    await page.wait_for_timeout(1500)


async def merchant(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "merchant")
    line = {"offer": "offer-1", "quantity": 1, "price": 8800}
    both = [line, {"offer": "offer-3", "quantity": 2, "price": 23800}]
    for state in ("paid", "shipped", "awaiting_payment", "cancelled", "delivered"):
        shop.turn(shop.keep([line] if state == "paid" else both, CONTACT)["id"], state)
    await page.reload()
    await page.wait_for_timeout(700)


async def scheduling(page: Page, shop: FakeShop) -> None:
    await merchant(page, shop)
    await page.get_by_test_id("schedule").click()
    await page.wait_for_timeout(400)


async def picking(page: Page, shop: FakeShop) -> None:
    await merchant(page, shop)
    await page.get_by_test_id("add-products").click()
    await page.wait_for_timeout(400)


async def token(page: Page, shop: FakeShop) -> None:
    await merchant(page, shop)
    await page.get_by_test_id("make-token").first.click()
    await page.wait_for_timeout(400)


def order_in(state: str) -> Steps:
    async def steps(page: Page, shop: FakeShop) -> None:
        lines = [
            {"offer": f"offer-{n}", "quantity": n, "price": shop.offers[f"offer-{n}"]["price"]}
            for n in (1, 2)
        ]
        order = shop.turn(shop.keep(lines, CONTACT)["id"], state)
        await page.goto(page.url.replace("/orders/x", f"/orders/{order['id']}"))
        await expect(page.get_by_test_id("order-state")).to_be_visible()
        await page.wait_for_timeout(400)

    return steps


def after(state: str, asked: bool = True, shown: bool = True) -> Steps:
    """The office's page of an order with a refund and a return; or the buyer's."""

    async def steps(page: Page, shop: FakeShop) -> None:
        lines = [
            {"offer": f"offer-{n}", "quantity": n, "price": shop.offers[f"offer-{n}"]["price"]}
            for n in (1, 2)
        ]
        order = shop.turn(shop.keep(lines, CONTACT)["id"], state)["id"]
        shop.orders[order]["version"] = 1
        shop.after.give_back(order, 1_250, "made")
        shop.after.give_back(order, 9_900)
        if asked:
            shop.after.ask_back(order, [{"line": 1, "pieces": 1}], "damaged")
        if "merchant" in page.url:
            await signed_in(page, "merchant")
            await page.goto(page.url.replace("order=x", f"order={order}"))
            if shown:
                await page.get_by_test_id("read-contact").click()
        else:
            await page.goto(page.url.replace("/orders/x", f"/orders/{order}"))
        await page.wait_for_timeout(700)

    return steps


async def taking_back(page: Page, shop: FakeShop) -> None:
    await after("delivered")(page, shop)
    await page.get_by_test_id("take-back").click()
    await page.wait_for_timeout(400)


async def operating(page: Page, shop: FakeShop) -> None:
    await signed_in(page, "operator")
    line = {"offer": "offer-1", "quantity": 1, "price": 8800}
    await page.locator("#order").fill(shop.keep([line], CONTACT)["id"])
    await page.get_by_test_id("look").click()
    await page.get_by_test_id("messages").locator("summary").first.click()
    await page.wait_for_timeout(400)


async def returning(page: Page, shop: FakeShop) -> None:
    await after("delivered", asked=False)(page, shop)
    await page.get_by_test_id("ask-return").click()
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
    Picture("player-phone-held", "/shows/demo", PHONE, held, "light", "ru"),
    Picture("player-desk-held", "/shows/demo", DESK, held, "dark", "ru"),
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
PAGES: Final = [
    Picture("shows-phone", "/", PHONE, nothing),
    Picture("shows-tablet-dark-zh", "/", TABLET, nothing, "dark", "zh"),
    Picture("shows-desk-ru", "/", DESK, nothing, "light", "ru"),
    Picture("order-phone", "/orders/x", PHONE, order_in("awaiting_payment")),
    Picture("order-phone-paid-dark-ru", "/orders/x", PHONE, order_in("shipped"), "dark", "ru"),
    Picture("order-desk-zh", "/orders/x", DESK, order_in("paid"), "light", "zh"),
    Picture("order-phone-cancelled", "/orders/x", PHONE, order_in("cancelled"), "light", "zh"),
    Picture("order-phone-unknown", "/orders/nothing", PHONE, nothing),
    Picture("host-sign-in", "/host/demo", PHONE, nothing),
    Picture("host-desk", "/host/demo", DESK, hosting),
    Picture("host-desk-dark-zh", "/host/demo", DESK, hosting, "dark", "zh"),
    Picture("host-desk-long-ru", "/host/demo", DESK, hosting, "light", "ru", "long"),
    Picture("host-desk-none", "/host/demo", DESK, hosting, "light", "en", "none"),
    Picture("host-tablet-ru", "/host/demo", TABLET, hosting, "light", "ru"),
    Picture("host-phone", "/host/demo", PHONE, hosting),
    Picture("merchant-shows", "/merchant", DESK, merchant),
    Picture("merchant-shows-phone-ru", "/merchant", PHONE, merchant, "light", "ru"),
    Picture("merchant-schedule", "/merchant", DESK, scheduling, "dark", "en"),
    Picture("merchant-schedule-phone", "/merchant", PHONE, scheduling, "light", "zh"),
    Picture("merchant-rundown", "/merchant?view=rundown&show=demo", DESK, merchant),
    Picture("merchant-rundown-phone", "/merchant?view=rundown&show=demo", PHONE, merchant, "light", "zh"),
    Picture("merchant-picking", "/merchant?view=rundown&show=demo", DESK, picking, "light", "ru"),
    Picture("merchant-orders", "/merchant?view=orders", DESK, merchant),
    Picture("merchant-orders-phone-zh", "/merchant?view=orders", PHONE, merchant, "dark", "zh"),
    Picture("merchant-orders-tablet-ru", "/merchant?view=orders", TABLET, merchant, "light", "ru"),
    Picture("merchant-studios", "/merchant?view=studios", DESK, token),
]
NARROW: Final = (390, 844)
AFTER: Final = [
    Picture("after-office", "/merchant?view=order&order=x", DESK, after("delivered")),
    Picture(
        "after-office-dark-zh", "/merchant?view=order&order=x", DESK, after("paid", asked=False), "dark", "zh"
    ),
    Picture(
        "after-office-phone-ru",
        "/merchant?view=order&order=x",
        NARROW,
        after("shipped"),
        "light",
        "ru",
        whole=True,
    ),
    Picture("after-office-phone-dark", "/merchant?view=order&order=x", NARROW, after("paid", False), "dark"),
    Picture("after-takeback", "/merchant?view=order&order=x", DESK, taking_back, "light", "ru"),
    Picture("after-order-phone", "/orders/x", NARROW, after("delivered"), whole=True),
    Picture("after-order-desk-dark-ru", "/orders/x", DESK, after("delivered"), "dark", "ru"),
    Picture("after-return-phone-zh", "/orders/x", NARROW, returning, "light", "zh"),
    Picture("after-orders", "/merchant?view=orders", DESK, merchant, "light", "ru"),
    Picture("after-orders-phone", "/merchant?view=orders", NARROW, merchant),
    Picture("after-operator", "/operator?view=persons", DESK, operating, "dark"),
    Picture(
        "after-operator-phone-ru", "/operator?view=persons", NARROW, operating, "light", "ru", whole=True
    ),
    Picture("after-checkout", "/shows/demo", NARROW, checkout, "light", "en"),
]
ACCESS: Final = [
    Picture(f"{name}-{where}-{light}-{language}", path, size, steps, light, language)
    for name, path, steps in (
        ("account", "/merchant?view=account", access_steps.account),
        ("account-guarded", "/merchant?view=account", access_steps.guarded),
        ("account-enrolling", "/merchant?view=account", access_steps.enrolling),
        ("account-codes", "/merchant?view=account", access_steps.recovering),
        ("second-step", "/merchant", access_steps.second_step),
        ("pair", "/pair", access_steps.typing_code),
        ("pair-waiting", "/pair", access_steps.letting_in),
        ("pair-done", "/pair", access_steps.let_in),
        ("studios", "/merchant?view=studios", merchant),
        ("studios-revoking", "/merchant?view=studios", access_steps.revoking),
        ("trail", "/operator", access_steps.operating),
        ("staff", "/operator?view=staff", access_steps.resetting),
    )
    for where, size, light, language in (
        ("phone", NARROW, "light", "en"),
        ("phone", NARROW, "dark", "ru"),
        ("desk", DESK, "light", "ru"),
        ("desk", DESK, "dark", "zh"),
    )
]
ALL: Final = [*PLAYER, *STATES, *PAGES, *AFTER, *ACCESS]


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
        await page.screenshot(path=out / f"{picture.name}.png", full_page=picture.whole)
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
