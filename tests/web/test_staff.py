"""The host's desk and the merchant's office in a real Chromium."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium, in_one_loop]
WIDE = {"width": 1440, "height": 900}


async def enter(visit: Visit, path: str, name: str, password: str = "pavilion") -> Page:
    page = await visit.go(path)
    await page.set_viewport_size(WIDE)
    await page.locator("[name=name]").fill(name)
    await page.locator("[name=password]").fill(password)
    await page.keyboard.press("Enter")
    return page


async def host(visit: Visit) -> Page:
    page = await enter(visit, "/host/demo", "host")
    await expect(page.get_by_test_id("rundown")).to_be_visible()
    return page


async def test_a_wrong_password_is_said_and_lets_no_one_in(visit: Visit) -> None:
    page = await enter(visit, "/host/demo", "host", "guess")
    await expect(page.get_by_role("alert")).to_contain_text("do not fit")
    assert await page.evaluate("sessionStorage.getItem('silkcast.staff')") is None


async def test_one_key_pins_and_another_unpins(visit: Visit) -> None:
    page = await host(visit)
    await page.keyboard.press("3")
    await expect(page.get_by_test_id("on-screen")).to_have_attribute("data-offer", "offer-3")
    await page.keyboard.press("u")
    await expect(page.get_by_test_id("on-screen")).to_have_attribute("data-offer", "")


async def test_a_pin_carries_the_time_of_the_picture_that_the_host_sees(visit: Visit) -> None:
    page = await host(visit)
    await expect(page.get_by_test_id("sound-on")).to_be_visible()
    await page.wait_for_function("window.silkcast.frame_pts !== null")
    await page.keyboard.press("1")
    await expect(page.get_by_test_id("on-screen")).to_have_attribute("data-offer", "offer-1")
    shown = (await visit.measured())["frame_pts"]
    assert visit.shop.pin is not None
    assert 0 <= shown - visit.shop.pin["pts_90khz"] < 90_000 * 20


async def test_a_digit_typed_into_a_price_pins_nothing(visit: Visit) -> None:
    page = await host(visit)
    await page.get_by_role("button", name="More for Linden honey").click()
    await page.locator("#new-price").fill("77")
    await page.locator("#new-price").press("7")
    assert visit.shop.pin is None
    await page.locator("#new-price").fill("77")
    await page.keyboard.press("Enter")
    row = page.get_by_test_id("rundown").locator("li").first
    await expect(row).to_contain_text("¥77.00")


async def test_an_order_is_on_the_hosts_screen_when_it_is_placed(visit: Visit) -> None:
    page = await host(visit)
    line = {"offer": "offer-1", "quantity": 2, "price": 8800}
    order = visit.shop.keep([line], {"name": "A", "phone": "1", "address": "x"})
    await expect(page.get_by_test_id("order")).to_have_attribute("data-state", "awaiting_payment")
    visit.shop.turn(order["id"], "paid")
    await expect(page.get_by_test_id("order")).to_have_attribute("data-state", "paid")
    await expect(page.get_by_test_id("tally")).to_contain_text("¥176.00")


async def test_closing_a_show_asks_first(visit: Visit) -> None:
    page = await host(visit)
    await page.get_by_test_id("close-show").click()
    await page.keyboard.press("Escape")
    assert visit.shop.shows["demo"]["state"] == "opened"
    await page.get_by_test_id("close-show").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("close-show")).to_be_disabled()
    assert visit.shop.shows["demo"]["state"] == "closed"
    await expect(page.get_by_test_id("pin").first).to_be_disabled()


async def test_filters_of_orders_live_in_the_address(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=orders", "merchant")
    await page.get_by_test_id("filter-state").select_option("paid")
    await page.wait_for_url("**/merchant?view=orders&state=paid")
    await page.reload()
    await expect(page.get_by_test_id("filter-state")).to_have_value("paid")
    await page.get_by_role("link", name="Studios").click()
    await page.go_back()
    await expect(page.get_by_test_id("filter-state")).to_have_value("paid")


async def test_a_show_is_scheduled_at_the_wall_clock_of_its_zone(visit: Visit) -> None:
    page = await enter(visit, "/merchant", "merchant")
    await page.get_by_test_id("schedule").click()
    await page.locator("#title-en").fill("Tea at dusk")
    await page.locator("#starts").fill("2026-12-01T20:00")
    await page.locator("#zone").select_option("Asia/Almaty")
    await expect(page.get_by_label("Picture sent as")).to_have_value("H264")
    await page.get_by_label("Picture sent as").select_option("VP8")
    await page.get_by_role("dialog").get_by_role("button", name="Schedule a show").click()
    await page.wait_for_url("**/merchant?view=rundown&show=*")
    made = list(visit.shop.shows.values())[-1]
    assert made["title"] == {"en": "Tea at dusk"}
    assert made["starts_at"] == 1_796_137_200_000  # 2026-12-01 15:00 UTC: Almaty is at UTC+5
    assert made["hold_seconds"] == 600
    assert made["codec"] == "VP8"


async def test_a_form_that_was_opened_before_the_list_came_stays_on_top(visit: Visit) -> None:
    opened = asyncio.Event()

    async def later(route: Route) -> None:
        await opened.wait()
        await route.continue_()

    await visit.page.route("**/api/merchant/shows", later)
    page = await enter(visit, "/merchant", "merchant")
    await page.get_by_test_id("schedule").click()
    opened.set()
    await expect(page.get_by_test_id("show-row").first).to_be_visible()
    await expect(page.locator("dialog:modal")).to_be_visible()


async def test_a_rundown_is_changed_and_saved(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=rundown&show=demo", "merchant")
    first = page.get_by_test_id("rundown-row").first
    await first.get_by_label("Price: Linden honey").fill("91.50")
    await first.get_by_label("Price: Linden honey").press("Tab")
    await page.get_by_test_id("add-products").click()
    await page.get_by_role("button", name="Add products: Nesting doll").click()
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_test_id("rundown-row")).to_have_count(7)
    await page.get_by_test_id("save").click()
    await expect(page.get_by_test_id("save")).to_be_disabled()
    saved = visit.shop.saved_rundown
    assert [offer["price"] for offer in saved][:1] == [9150]
    assert saved[-1]["offer"] is None
    assert saved[-1]["title"]["en"] == "Nesting doll"


async def test_a_publish_token_is_shown_once_and_kept_nowhere(visit: Visit) -> None:
    page = await enter(visit, "/merchant?view=studios", "merchant")
    await page.get_by_test_id("make-token").first.click()
    await expect(page.get_by_label("Token", exact=True)).to_have_value("eyJhbGciOiJFZERTQSJ9.c3R1ZGlv.c2ln")
    kept = await page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert "c3R1ZGlv" not in kept + page.url
