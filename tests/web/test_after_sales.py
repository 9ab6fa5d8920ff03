"""What comes after the payment, as merchant and buyer see it in a real Chromium."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Download, Page, expect

from tests.web.conftest import Visit, in_one_loop, needs_chromium
from tests.web.test_staff import enter

pytestmark = [pytest.mark.browser, needs_chromium, in_one_loop]
CONTACT = {"name": "Aigerim", "phone": "+7 701 123 45 67", "address": "Abai 12, Almaty"}


def an_order(visit: Visit, state: str) -> str:
    lines = [{"offer": "offer-1", "quantity": 2, "price": 8800}]
    order = visit.shop.keep(lines, CONTACT)
    visit.shop.turn(order["id"], state)
    visit.shop.orders[order["id"]]["version"] = 1
    return str(order["id"])


async def text_of(file: Download) -> str:
    return await asyncio.to_thread(Path(await file.path()).read_text)


async def office(visit: Visit, order: str) -> Page:
    return await enter(visit, f"/merchant?view=order&order={order}", "merchant")


async def test_a_merchant_sends_an_order_and_gives_a_part_of_the_money_back(visit: Visit) -> None:
    order = an_order(visit, "paid")
    page = await office(visit, order)
    await page.get_by_test_id("step-shipped").click()
    await expect(page.get_by_test_id("step-delivered")).to_be_visible()
    await page.get_by_test_id("refund").click()
    await page.locator("#refund-amount").fill("12.50")
    await page.locator("#why").fill("scratched")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("refunds")).to_contain_text("12.50")
    asked = visit.shop.after.deeds
    assert asked[0] == ("advance", {"state": "shipped", "version": 1})
    assert asked[1] == ("refund", {"amount": 1250, "reason": "scratched", "version": 2})


async def test_a_merchant_takes_back_what_the_buyer_wants_to_return(visit: Visit) -> None:
    order = an_order(visit, "delivered")
    visit.shop.after.ask_back(order, [{"line": 0, "pieces": 1}], "damaged")
    page = await office(visit, order)
    await expect(page.get_by_test_id("returns")).to_contain_text("It came damaged")
    await page.get_by_test_id("take-back").click()
    await expect(page.locator("#pieces-0")).to_have_value("1")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("returns")).to_contain_text("Received")
    body = {"lines": [{"line": 0, "pieces": 1}], "restock": True, "version": 1}
    assert visit.shop.after.deeds == [("return", body)]


async def test_an_order_that_changed_meanwhile_is_shown_as_it_is_now(visit: Visit) -> None:
    order = an_order(visit, "paid")
    page = await office(visit, order)
    await expect(page.get_by_test_id("cancel")).to_be_visible()
    visit.shop.after.step(order, "shipped")
    await page.get_by_test_id("cancel").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_role("alert")).to_contain_text("changed meanwhile")
    await expect(page.get_by_test_id("step-delivered")).to_be_visible()
    await expect(page.get_by_test_id("cancel")).to_have_count(0)
    assert visit.shop.after.deeds == []


async def test_a_contact_is_shown_in_full_when_asked_for(visit: Visit) -> None:
    page = await office(visit, an_order(visit, "paid"))
    await page.get_by_test_id("read-contact").click()
    await expect(page.get_by_test_id("read-contact")).to_have_count(0)
    assert visit.shop.after.deeds == [("contact", {"purpose": "parcel_label"})]


@pytest.mark.parametrize(
    ("button", "said"), [("invoice", "/invoice?language=en"), ("packing-list", "/packing-list")]
)
async def test_papers_come_as_files(visit: Visit, button: str, said: str) -> None:
    page = await office(visit, an_order(visit, "paid"))
    async with page.expect_download() as coming:
        await page.get_by_test_id(button).click()
    file = await coming.value
    assert file.suggested_filename.endswith(".pdf")
    assert said in await text_of(file)


async def test_orders_are_exported_as_they_are_filtered(visit: Visit) -> None:
    an_order(visit, "paid")
    page = await enter(visit, "/merchant?view=orders&state=paid", "merchant")
    async with page.expect_download() as coming:
        await page.get_by_test_id("export-csv").click()
    file = await coming.value
    assert file.suggested_filename == "orders.csv"
    assert "orders.csv?state=paid&language=en" in await text_of(file)
    await page.get_by_test_id("orders-table").get_by_role("link").first.click()
    await expect(page.get_by_test_id("step-shipped")).to_be_visible()


async def test_a_buyer_sees_refunds_and_asks_for_a_return(visit: Visit) -> None:
    order = an_order(visit, "delivered")
    visit.shop.after.give_back(order, 500, "made")
    page = await visit.go(f"/orders/{order}")
    await expect(page.get_by_test_id("back")).to_contain_text("Given back")
    await page.get_by_test_id("ask-return").click()
    await page.locator("#pieces-0").fill("1")
    await page.locator("#reason").select_option(label="It is something else")
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("back")).to_contain_text("Asked for")
    (wish,) = visit.shop.after.returns[order]
    assert (wish["lines"], wish["reason"]) == ([{"line": 0, "pieces": 1}], "wrong_goods")
    async with page.expect_download() as coming:
        await page.get_by_test_id("invoice").click()
    assert "/invoice" in await text_of(await coming.value)


async def test_a_buyer_has_their_data_erased(visit: Visit) -> None:
    page = await visit.go(f"/orders/{an_order(visit, 'delivered')}")
    await expect(page.get_by_text("Abai 12")).to_be_visible()
    await page.get_by_test_id("erase").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_text("Abai 12")).to_have_count(0)
    await expect(page.get_by_test_id("erase")).to_have_count(0)
    assert visit.errors == []


async def test_an_operator_sees_readers_and_bank_messages_and_erases_a_buyer(visit: Visit) -> None:
    order = an_order(visit, "shipped")
    page = await enter(visit, "/operator?view=persons", "operator")
    await expect(page.get_by_test_id("reads")).to_contain_text("parcel_label")
    await expect(page.get_by_test_id("erase")).to_be_disabled()
    await page.locator("#order").fill("nothing")
    await page.get_by_test_id("look").click()
    await expect(page.get_by_role("alert")).to_contain_text("no such order")
    await page.locator("#order").fill(order)
    await page.get_by_test_id("look").click()
    await page.get_by_test_id("messages").locator("summary").nth(1).click()
    await expect(page.get_by_text('"outcome": "succeeded"')).to_be_visible()
    await page.get_by_test_id("erase").click()
    await page.get_by_test_id("confirm").click()
    await expect(page.get_by_test_id("confirm")).to_have_count(0)
    await page.wait_for_function("document.querySelector('.form-error') === null")
    async with asyncio.timeout(20):
        while visit.shop.orders[order]["contact"] is not None:  # noqa: ASYNC110  the shop has no event for it
            await asyncio.sleep(0.02)
    assert visit.errors == []
