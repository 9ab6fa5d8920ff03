"""Goods leave one place before they arrive in the other, once, and never below nothing."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from commerce.books import Books
from commerce.books.checks import differences
from commerce.books.ledger import Line, Posting, Unbalanced, balances, post
from commerce.books.money import split
from commerce.books.stock import (
    SHELF,
    SOLD,
    Allotment,
    Move,
    NotEnoughStock,
    archive_allotment,
    at_show,
    find_allotment,
    grant,
    in_allotment,
    move,
    take_back,
    unarchived_allotments,
    units_at,
    withdraw_allotment,
)
from tests.commerce.stocked import SHELF_UNITS, SHOW, stock_books

NOW_MS = 1_800_000_000_000


async def test_a_move_happens_once_for_its_key(books: Books) -> None:
    await stock_books(books, 10)
    async with books.begin() as tx:
        for _ in range(3):
            assert await move(tx, Move("k", "scarf", SHELF, SOLD, 4), NOW_MS) is None
        assert (await units_at(tx, "scarf", SHELF), await units_at(tx, "scarf", SOLD)) == (86, 4)


async def test_what_is_not_there_cannot_leave(books: Books) -> None:
    await stock_books(books, 10)
    async with books.begin() as tx:
        assert await move(tx, Move("k", "scarf", SHELF, SOLD, 91), NOW_MS) == NotEnoughStock("scarf", 91, 90)
        assert await differences(tx) == []


async def test_the_database_itself_refuses_less_than_nothing(books: Books) -> None:
    await stock_books(books, 10)
    with pytest.raises(IntegrityError):
        async with books.begin() as tx:
            await tx.execute(text("UPDATE stock SET units = -1 WHERE place = 'shelf'"))


async def test_two_shows_that_want_the_last_units_at_once_get_them_once(books: Books) -> None:
    await stock_books(books, 10)

    async def want(key: str) -> bool:
        async with books.begin() as tx:
            return isinstance(await grant(tx, SHOW, {"scarf": 60}, key, NOW_MS), list)

    assert sorted(await asyncio.gather(want("a"), want("b"))) == [False, True]
    async with books.read() as tx:
        assert await units_at(tx, "scarf", SHELF) == 30
        assert await differences(tx) == []


async def test_granting_again_under_the_same_key_grants_nothing_more(books: Books) -> None:
    first = await stock_books(books, 10)
    async with books.begin() as tx:
        assert await grant(tx, SHOW, {"scarf": 10}, "opening", NOW_MS) == [first]
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS - 10


async def test_an_allotment_is_on_its_way_until_the_log_is_seen_to_have_it(books: Books) -> None:
    granted = await stock_books(books, 10)
    async with books.begin() as tx:
        assert await units_at(tx, "scarf", in_allotment(granted.id)) == 10
        assert await unarchived_allotments(tx, NOW_MS + 1, 9) == [granted]
        for _ in range(2):
            await archive_allotment(tx, granted.id, NOW_MS)
        assert await units_at(tx, "scarf", at_show(SHOW)) == 10
        assert await unarchived_allotments(tx, NOW_MS + 1, 9) == []
        await withdraw_allotment(tx, granted.id, NOW_MS)  # too late: the log has it
        assert await units_at(tx, "scarf", at_show(SHOW)) == 10


async def test_a_withdrawn_allotment_is_back_on_the_shelf(books: Books) -> None:
    granted = await stock_books(books, 10)
    async with books.begin() as tx:
        for _ in range(2):
            await withdraw_allotment(tx, granted.id, NOW_MS)
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS
        assert await find_allotment(tx, granted.id) == Allotment(granted.id, SHOW, "scarf", 10, "withdrawn")
        assert await differences(tx) == []


async def test_stock_comes_back_once(books: Books) -> None:
    granted = await stock_books(books, 10)
    async with books.begin() as tx:
        await archive_allotment(tx, granted.id, NOW_MS)
        for _ in range(2):
            await take_back(tx, granted.id, 7, "show-1/9/0", NOW_MS)
        assert await units_at(tx, "scarf", SHELF) == SHELF_UNITS - 3


async def test_a_posting_that_does_not_balance_is_never_written(books: Books) -> None:
    crooked = Posting("k", "sale", "CNY", (Line("a", 5), Line("b", -4)))
    straight = Posting("k", "sale", "CNY", (Line("a", 5), Line("b", -5), Line("c", 0)))
    async with books.begin() as tx:
        with pytest.raises(Unbalanced):
            await post(tx, crooked, NOW_MS)
        assert [await post(tx, straight, NOW_MS) for _ in range(2)] == [True, False]
        assert await balances(tx) == {("a", "CNY"): 5, ("b", "CNY"): -5}


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_parts_sum_to_the_whole_and_follow_the_weights(amount: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        with pytest.raises(ValueError, match="weights"):
            split(amount, weights)
        return
    parts = split(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
