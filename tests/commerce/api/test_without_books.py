"""A show whose log the books never planned: orders of it are placed, cancelled and paid back all the same."""

from __future__ import annotations

import asyncio

from sqlalchemy import select

from commerce.books.checks import differences
from commerce.books.orders import find_order
from commerce.books.schedule import find_show
from commerce.books.stock import SHELF, SOLD, units_at
from commerce.books.tables import refunds
from commerce.live.inbox import Accepted
from commerce.show import commands as c
from commerce.show.language import SkuLine
from tests.commerce.api.booking import archiving, booked
from tests.commerce.api.street import TITLE, Street, new_key

SHOW, STUDIO = "sh-stray", "staff:nobody"
OPENING = (
    c.OpenShow(TITLE, "CNY", 300, "mr-one", True),
    c.AllotStock("al-stray", "scarf", 5),  # the SKU of goods that do lie on the shelf, granted by nobody
    c.AddOffer("of-stray", TITLE, None, (SkuLine("scarf", 1),), 1_000),
)


async def opened(street: Street) -> None:
    """The show is in the log; an archivist has adopted it."""
    for command in OPENING:
        answer = await street.house.inbox.ask(SHOW, command, actor=STUDIO, key=new_key())
        assert isinstance(answer, Accepted), answer
    async with asyncio.timeout(30):
        while await planned(street) is None:  # noqa: ASYNC110  the books tell nobody
            await asyncio.sleep(0.02)


async def planned(street: Street) -> object:
    async with street.house.books.read() as tx:
        return await find_show(tx, SHOW)


async def test_an_unpaid_order_is_cancelled_and_its_goods_are_free_again(street: Street) -> None:
    async with archiving(street, SHOW):
        await opened(street)
    buyer = await street.buyer()
    order = (await street.order(SHOW, "of-stray", buyer, 2)).body["id"]
    cancelled = await buyer.post(f"/api/orders/{order}/cancel")
    assert (cancelled.status, cancelled.body["state"]) == (200, "cancelled")
    feed = await street.house.feed(SHOW)
    async with asyncio.timeout(30):
        while feed.state.pools["scarf"].free != 5:  # noqa: ASYNC110  the feed hears of it a moment later
            await asyncio.sleep(0.02)


async def test_a_paid_order_is_cancelled_its_money_goes_back_and_no_goods_appear(street: Street) -> None:
    async with archiving(street, SHOW):
        await opened(street)
        buyer, seller = await street.buyer(), await street.signed_in("seller")
        order = (await street.order(SHOW, "of-stray", buyer, 2)).body["id"]
        assert (await street.pay(order)).status == 204
        await booked(street, order)
    path = f"/api/merchant/orders/{order}"
    cancelled = await seller.post(f"{path}/cancel", {"version": 1, "reason": "by mistake"})
    assert (cancelled.status, cancelled.body["order"]["state"]) == (200, "refunded")
    assert (await seller.post(f"{path}/cancel", {"version": 2})).body["code"] == "WrongState"
    async with street.house.books.read() as tx:
        assert [row.amount for row in await tx.execute(select(refunds))] == [2_000]
        assert (await units_at(tx, "scarf", SHELF), await units_at(tx, "scarf", SOLD)) == (10_000, 0)
        assert await differences(tx) == []
        assert (await find_order(tx, order)) is not None


async def test_what_was_sent_of_it_comes_back_to_no_shelf(street: Street) -> None:
    async with archiving(street, SHOW):
        await opened(street)
        buyer, seller = await street.buyer(), await street.signed_in("seller")
        order = (await street.order(SHOW, "of-stray", buyer, 3)).body["id"]
        assert (await street.pay(order)).status == 204
        await booked(street, order)
    path, lines = f"/api/merchant/orders/{order}", [{"line": 0, "pieces": 2}]
    assert (await seller.post(f"{path}/advance", {"version": 1, "state": "shipped"})).status == 200
    back = await seller.post(f"{path}/return", {"version": 2, "lines": lines, "restock": True})
    assert (back.status, back.body["refunded"]) == (200, 2_000)
    async with street.house.books.read() as tx:
        assert (await units_at(tx, "scarf", SHELF), await units_at(tx, "scarf", SOLD)) == (10_000, 0)
        assert await differences(tx) == []
