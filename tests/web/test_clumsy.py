"""Clumsy and unlucky people: two tabs, presses too many, a line that breaks at the worst moment."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium, visiting
from tests.web.test_player import CONTACT, add_first, to_checkout, watch

pytestmark = [pytest.mark.browser, needs_chromium, in_one_loop]

NEVER_ANSWERED = [(504, "NoAnswer", {})] * 5  # as often as a page asks by itself


async def ready_to_order(visit: Visit) -> Page:
    page = await watch(visit)
    await add_first(page)
    await to_checkout(page)
    return page


async def test_a_cart_is_one_in_all_tabs(visit: Visit) -> None:
    page = await watch(visit)
    second = await page.context.new_page()
    await second.goto(f"{visit.origin}/shows/demo")
    await expect(second.get_by_test_id("rail").get_by_test_id("add").first).to_be_visible()
    await add_first(page)
    await expect(second.get_by_test_id("cart-count")).to_have_text("1")
    await to_checkout(second)
    await second.get_by_test_id("place-order").click()
    await expect(second.get_by_test_id("pay")).to_be_visible()
    await expect(page.get_by_test_id("cart-count")).to_have_count(0)


async def test_two_presses_are_one_order(visit: Visit) -> None:
    page = await ready_to_order(visit)
    await page.get_by_test_id("place-order").dblclick()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    assert len(visit.shop.orders) == 1
    assert len(visit.shop.keys) == 1


@pytest.mark.parametrize("then", ["stay", "come back"])
async def test_an_order_without_an_answer_is_found_in_the_feed(visit: Visit, then: str) -> None:
    visit.shop.refusals = [*NEVER_ANSWERED]
    page = await ready_to_order(visit)
    await page.get_by_test_id("place-order").click()
    await expect(page.get_by_role("alert")).to_be_visible(timeout=40_000)
    if then == "come back":
        await page.goto("about:blank")
    visit.shop.keep([{"offer": "offer-1", "quantity": 1, "price": 8800}], CONTACT)
    if then == "come back":
        await visit.go("/shows/demo")
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await expect(page.get_by_test_id("cart-count")).to_have_count(0)


async def test_text_marked_beyond_the_sheet_leaves_it_open(visit: Visit) -> None:
    page = await ready_to_order(visit)
    field = await page.locator("[name=address]").bounding_box()
    assert field is not None
    await page.mouse.move(field["x"] + 40, field["y"] + 20)
    await page.mouse.down()
    await page.mouse.move(20, 20)
    await page.mouse.up()
    await expect(page.get_by_test_id("cart-sheet")).to_be_visible()
    await page.mouse.click(20, 20)
    await expect(page.get_by_test_id("cart-sheet")).to_be_hidden()


async def test_a_bank_that_does_not_answer_is_said_once(visit: Visit) -> None:
    order = visit.shop.keep([{"offer": "offer-1", "quantity": 1, "price": 8800}], CONTACT)
    page = await visit.go(f"/orders/{order['id']}?bank=silent")
    await expect(page.get_by_role("alert")).to_contain_text("The bank does not answer just now")
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("pay")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def focused(page: Page) -> str:
    found: str = await page.evaluate("document.activeElement.dataset.testid ?? document.activeElement.id")
    return found


async def test_a_purchase_by_keyboard_never_loses_its_place(visit: Visit) -> None:
    page = await watch(visit)
    visit.pin("offer-1")
    card = page.get_by_test_id("pinned-card")
    add = card.get_by_test_id("add")
    await add.press("Enter")
    await expect(card.get_by_role("button", name="Add one more Linden honey")).to_be_focused()
    await card.get_by_role("button", name="One Linden honey less").press("Enter")
    await expect(add).to_be_focused()
    await add.press("Enter")
    await page.get_by_test_id("cart").press("Enter")
    assert await focused(page) == "sheet-title"
    await page.get_by_test_id("checkout").press("Enter")
    assert await focused(page) == "sheet-title"
    await page.keyboard.press("Tab")  # past the way out
    for text in CONTACT.values():
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.keyboard.press("Tab")  # past the address for mail
    await page.keyboard.press("Tab")
    assert await focused(page) == "place-order"
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("pay")).to_be_visible()
    assert await focused(page) == "sheet-title"


async def test_a_pin_that_changes_moves_nobody_onto_other_goods(visit: Visit) -> None:
    page = await watch(visit)
    visit.pin("offer-1")
    add = page.get_by_test_id("pinned-card").get_by_test_id("add")
    await add.focus()
    visit.pin("offer-3")
    await expect(page.get_by_test_id("pinned-card")).to_contain_text("Silk scarf")
    assert await focused(page) != "add"


async def test_goods_taken_off_the_table_can_only_be_taken_out_of_the_cart(visit: Visit) -> None:
    page = await watch(visit)
    await add_first(page)
    visit.shop.tell(**{"offer:offer-1": {**visit.shop.offers["offer-1"], "withdrawn": True}})
    await page.get_by_test_id("cart").click()
    await expect(page.locator("[data-offer=offer-1].is-stuck")).to_contain_text("No longer available")
    await page.get_by_role("button", name="Take Linden honey out").click()
    await expect(page.get_by_test_id("cart-empty")).to_be_visible()


@pytest.mark.parametrize("state", ["closing", "closed"])
async def test_a_show_that_ends_sells_nothing_more(visit: Visit, state: str) -> None:
    page = await watch(visit)
    visit.pin("offer-3")
    await add_first(page)
    await expect(page.get_by_test_id("pinned-card")).to_be_visible()
    visit.shop.shows["demo"] = {**visit.shop.shows["demo"], "state": state, "on_air": False}
    visit.shop.tell(show=visit.shop.shows["demo"])
    await visit.shop.relay.close()
    await expect(page.get_by_test_id("state-ended")).to_be_visible()
    await expect(page.get_by_test_id("pinned-card")).to_have_count(0)
    await expect(page.get_by_test_id("add")).to_have_count(0)
    await expect(page.get_by_text("Sold out")).to_have_count(0)  # what was left went back to the shelf
    await page.get_by_test_id("cart").click()
    await expect(page.get_by_test_id("checkout")).to_be_disabled()
    await expect(page.get_by_test_id("cart-sheet")).to_contain_text("takes no more orders")


async def test_a_show_that_has_not_begun_says_when_one_can_order(visit: Visit) -> None:
    page = await visit.go("/shows/tea")
    await add_first(page)
    await page.get_by_test_id("cart").click()
    await expect(page.get_by_test_id("checkout")).to_be_disabled()
    await expect(page.get_by_test_id("cart-sheet")).to_contain_text("as soon as the show has begun")


async def test_over_a_tall_picture_the_rail_comes_by_a_swipe_and_goes_by_escape(browser: Browser) -> None:
    async with visiting(browser, size=(180, 320)) as visit:
        page = await watch(visit)
        player = page.locator("show-page[data-shape=tall]")
        await expect(player).to_have_attribute("data-rail", "closed")
        await expect(page.locator("#products")).to_be_hidden()
        handle = await page.get_by_test_id("open-rail").bounding_box()
        assert handle is not None
        x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
        finger = await page.context.new_cdp_session(page)
        for kind, way in (("touchStart", 0), ("touchMove", 20), ("touchMove", 60), ("touchMove", 120)):
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y - way}]}
            await finger.send("Input.dispatchTouchEvent", touch)
        await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        await expect(player).to_have_attribute("data-rail", "open")
        await expect(page.locator("#products")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(player).to_have_attribute("data-rail", "closed")
        await expect(page.get_by_test_id("open-rail")).to_be_focused()
