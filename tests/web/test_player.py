"""The player in a real Chromium, against a shop whose troubles can be staged."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium

pytestmark = [pytest.mark.browser, needs_chromium, in_one_loop]
CONTACT = {"name": "Aigerim S.", "phone": "+7 701 123 45 67", "address": "Abai 12, Almaty, Kazakhstan"}

STARVED_MS = 20_000  # how late a timer of half a second may be on a busy machine


async def watch(visit: Visit) -> Page:
    page = await visit.go("/shows/demo")
    await expect(page.get_by_test_id("sound-on")).to_be_visible()
    return page


async def add_first(page: Page) -> None:
    await page.get_by_test_id("rail").get_by_test_id("add").first.click()
    await expect(page.get_by_test_id("cart-count")).to_have_text("1")


async def to_checkout(page: Page, contact: dict[str, str] = CONTACT) -> None:
    await page.get_by_test_id("cart").click()
    await page.get_by_test_id("checkout").click()
    for field, text in contact.items():
        await page.locator(f"[name={field}]").fill(text)


async def test_a_player_starts_silent_and_sounds_when_asked(visit: Visit) -> None:
    page = await watch(visit)
    assert await page.evaluate("document.querySelector('video').muted")
    await page.get_by_test_id("sound-on").click()
    await expect(page.get_by_test_id("sound-off")).to_be_visible()
    assert not await page.evaluate("document.querySelector('video').muted")
    measured = await visit.measured()
    assert measured["phase"] == "playing"
    assert measured["first_frame_ms"] > 0


async def test_a_pinned_card_appears_on_its_frame(visit: Visit) -> None:
    page = await watch(visit)
    frame = (await visit.measured())["frame_pts"]
    visit.pin("offer-3", (frame + 30_000) % 2**32)  # a third of a second ahead
    await expect(page.get_by_test_id("pinned-card")).to_contain_text("Silk scarf")
    pin = (await visit.measured())["pins"][-1]
    assert pin["how"] in ("on_frame", "at_limit")
    assert pin["shown_at"] - pin["received_at"] < STARVED_MS


async def test_a_card_whose_frame_does_not_come_waits_half_a_second_at_most(visit: Visit) -> None:
    page = await watch(visit)
    frame = (await visit.measured())["frame_pts"]
    visit.pin("offer-3", (frame + 90_000 * 8) % 2**32)
    await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    pin = (await visit.measured())["pins"][-1]
    assert pin["how"] == "at_limit"
    assert 490 <= pin["shown_at"] - pin["received_at"] < STARVED_MS


async def test_an_unpinned_card_goes(visit: Visit) -> None:
    page = await watch(visit)
    visit.pin("offer-3")
    await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    visit.shop.tell(pin=None)
    await expect(page.get_by_test_id("pinned-card")).to_have_count(0)


async def test_a_lost_relay_costs_a_seat_and_not_the_cart(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    visit.shop.no_seats = True
    await visit.shop.relay.close()
    await expect(page.get_by_test_id("state-lost")).to_be_visible()
    visit.shop.no_seats = False
    await expect(page.get_by_test_id("sound-on")).to_be_visible()
    assert (await visit.measured())["seats"] >= 2
    await expect(page.get_by_test_id("cart-count")).to_have_text("1")


async def test_a_cart_survives_a_reload(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    await page.reload()
    await expect(page.get_by_test_id("cart-count")).to_have_text("1")


async def test_an_order_is_placed_paid_and_seen(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await expect(page.get_by_test_id("hold-clock").first).to_have_text(re.compile("10:00|9:[345]"))
    order = next(iter(visit.shop.orders))
    visit.shop.turn(order, "paid")
    await expect(page.get_by_test_id("order-state")).to_have_attribute("data-state", "paid")
    assert [seen["state"] for seen in (await visit.measured())["orders"]] == ["awaiting_payment", "paid"]


async def test_an_order_awaiting_payment_can_be_paid_after_a_reload(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await page.reload()
    await page.get_by_test_id("held-chip").click()
    await expect(page.get_by_test_id("pay")).to_have_attribute("href", re.compile("/bank/"))


async def test_an_answer_that_got_lost_does_not_order_twice(visit: Visit) -> None:
    visit.shop.refusals = [(504, "NoAnswer", {}), (503, "Busy", {})]
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    assert len(visit.shop.keys) == 3
    assert len(set(visit.shop.keys)) == 1
    assert len(visit.shop.orders) == 1


async def test_a_changed_price_is_said_and_the_new_one_can_be_ordered(visit: Visit) -> None:
    visit.shop.refusals = [(409, "PriceChanged", {"offer": "offer-1", "price": 9900})]
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_role("alert")).to_contain_text("Linden honey is now ¥99.00")
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    assert len(set(visit.shop.keys)) == 2  # a refusal is an answer: the next press is another order


async def test_goods_that_sold_out_in_the_cart_stop_the_checkout(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    gone = {**visit.shop.offers["offer-1"], "available": 0, "sold_out": True}
    visit.shop.tell(**{"offer:offer-1": gone})
    await page.get_by_test_id("cart").click()
    await expect(page.get_by_test_id("checkout")).to_be_disabled()
    await page.get_by_role("button", name="Take Linden honey out").click()
    await expect(page.get_by_test_id("cart-empty")).to_be_visible()


async def test_an_unfit_contact_is_named_field_by_field(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page, {"name": "A", "phone": "12", "address": ""})
    await page.get_by_test_id("place-order").click()
    await expect(page.locator("[aria-invalid=true]")).to_have_count(3)
    await expect(page.locator("[name=name]")).to_be_focused()
    assert visit.shop.keys == []


async def test_a_show_that_goes_on_air_starts_by_itself(visit: Visit) -> None:
    page = await visit.go("/shows/tea")
    await expect(page.get_by_test_id("state-waiting")).to_be_visible()
    on_air = {**visit.shop.shows["tea"], "state": "opened", "on_air": True}
    visit.shop.shows["tea"] = on_air
    visit.shop.tell(show=on_air)
    await expect(page.get_by_test_id("sound-on")).to_be_visible()


async def test_a_show_that_closes_says_so(visit: Visit) -> None:
    page = await watch(visit)
    visit.shop.tell(show={**visit.shop.shows["demo"], "state": "closed", "on_air": False})
    await expect(page.get_by_test_id("state-ended")).to_be_visible()


async def test_an_unknown_show_is_told_as_such(visit: Visit) -> None:
    page = await visit.go("/shows/nowhere")
    await expect(page.get_by_test_id("state-unknown")).to_be_visible()


async def test_a_lost_feed_is_said_and_resumed(visit: Visit) -> None:
    page = await watch(visit)
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("feed-lost")).to_contain_text("You are offline")
    visit.shop.viewers = 77
    visit.shop.hang_up()
    await page.context.set_offline(False)
    await expect(page.get_by_test_id("feed-lost")).to_have_count(0)
    await expect(page.get_by_test_id("audience")).to_contain_text("77")


async def test_the_language_changes_without_losing_the_picture(visit: Visit) -> None:
    page = await watch(visit)
    await page.get_by_test_id("language").select_option("ru")
    await expect(page.get_by_test_id("sound-on")).to_have_text("Включить звук")
    assert await page.evaluate("document.documentElement.lang") == "ru"
    assert (await visit.measured())["seats"] == 1
    await page.reload()
    await expect(page.get_by_test_id("cart")).to_contain_text("Корзина")


async def test_two_tabs_share_one_connection_for_events(visit: Visit) -> None:
    await watch(visit)
    second = await visit.page.context.new_page()
    await second.goto(f"{visit.origin}/shows/demo")
    await expect(second.get_by_test_id("rail")).to_be_visible()
    visit.pin("offer-3")
    for page in (visit.page, second):
        await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    assert len(visit.shop.listeners) == 1
    await second.goto(f"{visit.origin}/shows/tea")  # another show: a line of its own in the same worker
    await expect(second.get_by_test_id("rail").get_by_test_id("add").first).to_be_visible()


async def test_escape_closes_the_sheet_and_the_focus_returns(visit: Visit) -> None:
    page = await watch(visit)
    await page.get_by_test_id("cart").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("cart-sheet")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("cart-sheet")).to_be_hidden()
    await expect(page.get_by_test_id("cart")).to_be_focused()
