"""What can be measured of the look: contrast of the tokens, and nothing cut off, overlapping or too
small to press, on every page, at every size, in every language, with names that do not fit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium, visiting
from tests.web.fake_access import CODE, USER_CODE

TOKENS = (Path(__file__).parents[2] / "web/styles/tokens.css").read_text()
SIZES = {"phone": (360, 780), "tablet": (768, 1024), "desk": (1440, 900)}
LOCALES = {"en": "en-GB", "zh": "zh-CN", "ru": "ru-RU"}


def tokens(light: str) -> dict[str, str]:
    """Role → colour, `var()` followed; dark overrides light."""
    bright, _, rest = TOKENS.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+):\s*([^;]+);", bright))
    if light == "dark":
        found |= dict(re.findall(r"--([\w-]+):\s*([^;]+);", rest.partition("@media")[0]))
    while any(value.startswith("var(") for value in found.values()):
        found = {k: found[v[6:-1]] if re.fullmatch(r"var\(--[\w-]+\)", v) else v for k, v in found.items()}
    return found


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of `#rrggbb`."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize("ground", ["ground", "raised"])
@pytest.mark.parametrize("text", ["ink", "quiet", "good", "warn", "stop"])
def test_text_is_readable_on_every_ground(light: str, ground: str, text: str) -> None:
    roles = tokens(light)
    assert contrast(roles[text], roles[ground]) >= 4.5


@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("ink", "sunken"),
        ("quiet", "sunken"),
        ("on-accent", "accent"),
        ("on-accent", "accent-pressed"),
        ("on-on-air", "on-air"),
    ],
)
def test_words_on_colour_are_readable(light: str, text: str, ground: str) -> None:
    roles = tokens(light)
    assert contrast(roles[text], roles[ground]) >= 4.5


@pytest.mark.parametrize("light", ["light", "dark"])
@pytest.mark.parametrize(
    ("edge", "ground"), [("edge", "ground"), ("edge", "raised"), ("accent", "ground"), ("accent", "raised")]
)
def test_controls_stand_out_from_their_ground(light: str, edge: str, ground: str) -> None:
    roles = tokens(light)
    assert contrast(roles[edge], roles[ground]) >= 3


def test_words_on_glass_are_readable_whatever_the_picture_shows_below() -> None:
    red, green, blue, percent = map(int, re.findall(r"\d+", tokens("light")["glass"]))
    over_white = [round(c * percent / 100 + 255 * (1 - percent / 100)) for c in (red, green, blue)]
    assert contrast("#{:02x}{:02x}{:02x}".format(*over_white), tokens("light")["on-glass"]) >= 7


# What a person would call broken, found in the page: [what, where].
BROKEN = """() => {
  const found = [];
  const words = (e) => e.textContent.trim();
  const name = (e) => `${e.tagName.toLowerCase()}.${[...e.classList].join(".")} "${words(e).slice(0, 40)}"`;
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) found.push(["the page scrolls sideways", ""]);
  const scrolls = ".table-room, .host-next, .host-happens, .player-rail, dialog, .unseen";
  const within = (e) => e.closest(scrolls);
  const all = "button, a, h1, h2, h3, p, td, th, label, input, select, dd, dt";
  for (const e of document.querySelectorAll(all)) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height || !e.checkVisibility({ visibilityProperty: true })) continue;
    const style = getComputedStyle(e);
    const clamps = style.webkitLineClamp !== "none" || style.textOverflow === "ellipsis";
    if (!within(e) && (box.right > wide + 1 || box.left < -1)) found.push(["beyond the edge", name(e)]);
    const tight = e.scrollWidth > e.clientWidth + 1 && style.display !== "inline" && !clamps;
    if (e.matches("button, a, .pill") && tight) {
      found.push(["text wider than its room", name(e)]);
    }
    if (e.matches("button, a.button, select, .icon-button") && (box.height < 28 || box.width < 28)) {
      found.push(["too small to press", `${name(e)} ${box.width}×${box.height}`]);
    }
    if (e.matches("button, a") && !(words(e) || e.ariaLabel)) found.push(["has no name", name(e)]);
  }
  for (const field of document.querySelectorAll("input, select, textarea")) {
    if (!field.labels?.length && !field.ariaLabel) found.push(["field without a label", field.name]);
  }
  return found;
}"""


async def check(page: Page, where: str) -> None:
    await page.wait_for_timeout(250)
    assert await page.evaluate(BROKEN) == [], where


async def enter(page: Page, name: str) -> None:
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=password]").fill("pavilion")
    await page.keyboard.press("Enter")


async def player(visit: Visit) -> None:
    page = await visit.go("/shows/demo")
    await expect(page.get_by_test_id("rail")).to_be_visible()
    visit.pin("offer-1")
    await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    await check(page, "player")
    await page.get_by_test_id("rail").get_by_test_id("add").first.click()
    await page.get_by_test_id("cart").click()
    await check(page, "cart")
    await page.get_by_test_id("checkout").click()
    await page.get_by_test_id("place-order").click()
    await check(page, "checkout")


async def host(visit: Visit) -> None:
    page = await visit.go("/host/demo")
    await check(page, "sign in")
    await enter(page, "host")
    await expect(page.get_by_test_id("rundown")).to_be_visible()
    await page.keyboard.press("1")
    line = {"offer": "offer-1", "quantity": 2, "price": 8800}
    visit.shop.keep([line], {"name": "A", "phone": "1", "address": "x"})
    await check(page, "host")


async def merchant(visit: Visit) -> None:
    page = await visit.go("/merchant")
    await enter(page, "merchant")
    await expect(page.get_by_test_id("show-row").first).to_be_visible()
    await check(page, "shows")
    line = {"offer": "offer-1", "quantity": 2, "price": 8800}
    visit.shop.keep([line], {"name": "A", "phone": "1", "address": "x"})
    for view in ("view=orders", "view=rundown&show=demo", "view=studios"):
        await page.goto(f"{visit.origin}/merchant?{view}")
        await page.locator(".calm, .studio").first.wait_for()
        await check(page, view)
    await look_at_access(visit, page)


async def look_at_access(visit: Visit, page: Page) -> None:
    """The account from switching the second step on to its recovery codes, and a studio that asks in."""
    await page.goto(f"{visit.origin}/merchant?view=account")
    await page.get_by_test_id("factor-password").click()
    await page.locator("#factor-password").fill("pavilion")
    await page.get_by_test_id("factor-answer").click()
    await page.get_by_test_id("enrolment").wait_for()
    await check(page, "enrolment")
    await page.locator("#enrol-code").fill(CODE)
    await page.get_by_test_id("confirm-factor").click()
    await page.get_by_test_id("codes").wait_for()
    await check(page, "recovery codes")
    await page.goto(f"{visit.origin}/pair")
    await page.locator("#pair-code").fill(USER_CODE)
    await page.keyboard.press("Enter")
    await page.get_by_test_id("waiting").wait_for()
    await check(page, "pairing")


async def operator(visit: Visit) -> None:
    page = await visit.go("/operator")
    await enter(page, "operator")
    await page.get_by_test_id("act").first.wait_for()
    await check(page, "trail")
    await page.goto(f"{visit.origin}/operator?view=staff")
    await page.locator("#reset-password").wait_for()
    await check(page, "staff")


async def reading(visit: Visit) -> None:
    page = await visit.go("/")
    await expect(page.get_by_test_id("show").first).to_be_visible()
    await check(page, "list of shows")
    line = {"offer": "offer-1", "quantity": 2, "price": 8800}
    order = visit.shop.keep([line], {"name": "A", "phone": "1", "address": "x" * 120})
    page = await visit.go(f"/orders/{order['id']}")
    await expect(page.get_by_test_id("order-state")).to_be_visible()
    await check(page, "order")


@pytest.mark.browser
@needs_chromium
@in_one_loop
@pytest.mark.parametrize(
    "pages", [player, host, merchant, operator, reading], ids=lambda pages: pages.__name__
)
@pytest.mark.parametrize(
    ("size", "language"), [("phone", "ru"), ("tablet", "zh"), ("desk", "en"), ("desk", "ru")]
)
async def test_nothing_is_cut_off_or_too_small(browser: Browser, pages, size: str, language: str) -> None:  # type: ignore[no-untyped-def]  # a step of this file
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    async with visiting(browser, "long", viewport=viewport, locale=LOCALES[language]) as visit:
        await pages(visit)
