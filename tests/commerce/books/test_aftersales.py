"""After the payment: sent, cancelled, sent back, money back; to the last minor unit, once, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from commerce.books import Books
from commerce.books.aftersales import (
    Act,
    Raced,
    TooMuch,
    UnknownOrder,
    VersionDiffers,
    WrongState,
    advance,
    cancel_paid,
    refund_part,
    shares,
    take_return,
    worth,
)
from commerce.books.checks import differences
from commerce.books.ledger import balances
from commerce.books.money import Amounts
from commerce.books.orders import BookedOrder, OrderLine, book_order
from commerce.books.refunds import refunds_of_order
from commerce.books.stock import SHELF, SOLD, Move, move, units_at
from commerce.books.tables import order_changes
from tests.commerce.shop import TITLE
from tests.commerce.stocked import MERCHANT, SHELF_UNITS, SHOW, open_try, stock_books

NOW_MS = 1_800_000_000_000
AMOUNTS = Amounts(goods=3_800, freight=700, tax=346, discount=500, total=4_346, currency="CNY")
LINES = (
    OrderLine("single", TITLE, None, 2, 1_000, (("scarf", 1),)),
    OrderLine("pair", TITLE, None, 1, 1_800, (("scarf", 2),)),
)


async def sold(books: Books, name: str = "or-1") -> None:
    """An order of four scarves in two lines, paid."""
    await stock_books(books, 10)
    await open_try(books, name, "pa-1", AMOUNTS.total, "ref-1")
    order = BookedOrder(
        name, SHOW, MERCHANT, "ann", "ct-1", "paid", 1, LINES, AMOUNTS, 0, "pa-1", "sandbox", NOW_MS, NOW_MS
    )
    async with books.begin() as tx:
        await tx.exec_driver_sql("UPDATE payments SET state = 'succeeded'")
        await book_order(tx, order, "desk")
        assert await move(tx, Move("sold:or-1:scarf", "scarf", SHELF, SOLD, 4), NOW_MS) is None


def act(version: int, key: str = "", merchant: str = MERCHANT) -> Act:
    return Act(merchant, "or-1", version, key or f"k{version}", "ac-1", "buyer asked", NOW_MS)


async def test_an_order_goes_its_way_one_step_at_a_time(books: Books) -> None:
    await sold(books)
    async with books.begin() as tx:
        assert await advance(tx, act(1), "delivered") == WrongState("or-1", "paid")
        for version, state in enumerate(("declared", "cleared", "shipped", "delivered"), 1):
            after = await advance(tx, act(version), state)
            assert isinstance(after, BookedOrder)
            assert (after.state, after.version) == (state, version + 1)
        written = await tx.execute(select(order_changes).order_by(order_changes.c.version))
        assert [row.actor for row in written] == ["desk", *["ac-1"] * 4]
        assert await differences(tx) == []


async def test_the_same_key_changes_once_and_an_old_version_nothing(books: Books) -> None:
    await sold(books)
    async with books.begin() as tx:
        first = await refund_part(tx, act(1, "k"), 100)
        assert await refund_part(tx, act(1, "k"), 100) == first
        assert await refund_part(tx, act(1, "other"), 100) == VersionDiffers("or-1", 2, "paid")
        assert len(await refunds_of_order(tx, "or-1")) == 1


async def test_of_two_who_change_it_at_once_one_wins(books: Books) -> None:
    await sold(books)

    async def cancel(key: str) -> str:
        try:
            async with books.begin() as tx:
                return type(await cancel_paid(tx, act(1, key))).__name__
        except Raced:
            return "Raced"

    ends = sorted(await asyncio.gather(cancel("a"), cancel("b")))
    assert ends in (["BookedOrder", "VersionDiffers"], ["BookedOrder", "Raced"])
    async with books.read() as tx:
        assert sum(refund.amount for refund in await refunds_of_order(tx, "or-1")) == AMOUNTS.total
        assert await differences(tx) == []


async def test_another_merchant_has_no_such_order(books: Books) -> None:
    await sold(books)
    stranger = act(1, merchant="merchant-2")
    async with books.begin() as tx:
        assert await advance(tx, stranger, "shipped") == UnknownOrder("or-1")
        assert await cancel_paid(tx, stranger) == UnknownOrder("or-1")
        assert await refund_part(tx, stranger, 1) == UnknownOrder("or-1")
        assert await take_return(tx, stranger, {0: 1}, restock=True) == UnknownOrder("or-1")


async def test_a_cancelled_order_gives_all_money_and_all_goods_back(books: Books) -> None:
    await sold(books)
    async with books.begin() as tx:
        await refund_part(tx, act(1), 1_234)
        after = await cancel_paid(tx, act(2))
        assert isinstance(after, BookedOrder)
        assert (after.state, after.refunded) == ("refunded", AMOUNTS.total)
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS - 10
        left = {account: amount for account, amount in (await balances(tx)).items() if amount}
        assert left == {("firm:sandbox", "CNY"): AMOUNTS.total, ("refunds", "CNY"): -AMOUNTS.total}
        assert await cancel_paid(tx, act(3)) == WrongState("or-1", "refunded")
        assert await differences(tx) == []


async def test_goods_that_left_cannot_be_cancelled_only_sent_back(books: Books) -> None:
    await sold(books)
    async with books.begin() as tx:
        assert await take_return(tx, act(1), {0: 1}, restock=True) == WrongState("or-1", "paid")
        await advance(tx, act(1), "shipped")
        assert await cancel_paid(tx, act(2)) == WrongState("or-1", "shipped")


@pytest.mark.parametrize("restock", [True, False])
async def test_a_return_in_two_parcels_ends_in_all_the_money(books: Books, restock: bool) -> None:
    await sold(books)
    async with books.begin() as tx:
        await advance(tx, act(1), "shipped")
        part = await take_return(tx, act(2), {0: 1}, restock=restock)
        assert isinstance(part, BookedOrder)
        assert (part.state, part.refunded) == ("shipped", 1_000 - 132)  # its share of the discount of 500
        assert await take_return(tx, act(3), {0: 2}, restock=restock) == TooMuch("or-1", 1)
        assert await take_return(tx, act(3), {7: 1}, restock=restock) == TooMuch("or-1", 0)
        whole = await take_return(tx, act(3), {0: 1, 1: 1}, restock=restock)
        assert isinstance(whole, BookedOrder)
        assert (whole.state, whole.refunded) == ("returned", AMOUNTS.total)
        assert await units_at(tx, "scarf", SOLD) == (0 if restock else 4)
        assert await differences(tx) == []


@pytest.mark.parametrize("amount", [0, -1, AMOUNTS.total + 1])
async def test_no_more_goes_back_than_came(books: Books, amount: int) -> None:
    await sold(books)
    async with books.begin() as tx:
        assert await refund_part(tx, act(1), amount) == TooMuch("or-1", AMOUNTS.total)


@pytest.mark.parametrize("seed", range(8))
async def test_any_course_of_an_order_balances(sqlite_books: Books, seed: int) -> None:
    rng = random.Random(seed)
    await sold(sqlite_books)
    version = 1
    for _ in range(12):
        async with sqlite_books.begin() as tx:
            pieces: Mapping[int, int] = {rng.randint(0, 1): 1}
            match rng.randint(0, 3):
                case 0:
                    result = await advance(tx, act(version), rng.choice(["shipped", "delivered", "declared"]))
                case 1:
                    result = await refund_part(tx, act(version), rng.randint(1, 1_500))
                case 2:
                    result = await take_return(tx, act(version), pieces, restock=rng.random() < 0.7)
                case _:
                    result = await cancel_paid(tx, act(version)) if rng.random() < 0.2 else None
            if isinstance(result, BookedOrder):
                version = result.version
            assert await differences(tx) == []


@st.composite
def amounts(draw: st.DrawFn) -> Amounts:
    goods, freight, tax = (draw(st.integers(0, 10**9)) for _ in range(3))
    discount = draw(st.integers(0, goods + freight + tax))
    return Amounts(goods, freight, tax, discount, goods + freight + tax - discount, "CNY")


@given(amounts(), st.data())
def test_parts_of_a_refund_add_up_at_every_step_and_undo_everything_at_the_end(
    paid: Amounts, data: st.DataObject
) -> None:
    refunded = data.draw(st.integers(0, paid.total))
    goods, freight, tax, discount = shares(paid, refunded)
    assert goods + freight + tax - discount == refunded
    assert 0 <= goods <= paid.goods
    assert 0 <= freight <= paid.freight
    assert 0 <= tax <= paid.tax
    if paid.total:
        assert shares(paid, paid.total) == (paid.goods, paid.freight, paid.tax, paid.discount)


def test_pieces_are_worth_their_price_less_their_share_of_the_discount() -> None:
    order = BookedOrder("o", SHOW, MERCHANT, "a", "c", "shipped", 1, LINES, AMOUNTS, 0, "p", "x", 0, 0)
    assert worth(order, {0: 2}) + worth(order, {1: 1}) == AMOUNTS.goods - AMOUNTS.discount
