"""Whatever happens in a show, the books balance to the last minor unit and no goods appear or vanish."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from commerce.books import Books, open_books
from commerce.books.archive import archived_to
from commerce.books.checks import differences
from commerce.books.ledger import balances
from commerce.books.orders import find_order_of, list_orders
from commerce.books.refunds import refunds_of_order
from commerce.books.schedule import find_show
from commerce.books.stock import SHELF, SOLD, at_show, units_at
from commerce.books.tables import order_lines, orders, payments, posting_lines, records, stock_moves
from commerce.show import commands as c
from commerce.show.state import State
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import HOLD_SECONDS, order, payment
from tests.commerce.stocked import (
    MERCHANT,
    SHELF_UNITS,
    SHOW,
    Clerk,
    an_evening,
    open_shop,
    open_try,
    stock_books,
)

SEEDS = range(24)


async def book_evening(books: Books, seed: int, batch: int) -> State:
    """A random evening, booked in batches of so many commits; the folded state."""
    rng = random.Random(seed)
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, rng.randint(3, 30)))
    an_evening(desk, rng)
    clerk = await Clerk.at_work(books)
    for start in range(0, len(desk.commits), batch):
        await clerk.book(desk.commits[start : start + batch])
    return desk.state


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_random_evening_balances_and_keeps_every_unit(sqlite_books: Books, seed: int) -> None:
    state = await book_evening(sqlite_books, seed, batch=1 + seed % 7)
    async with sqlite_books.read() as tx:
        assert await differences(tx) == []
        shelf, sold = await units_at(tx, "scarf", SHELF), await units_at(tx, "scarf", SOLD)
        assert state.stage == "closed"
        assert (await units_at(tx, "scarf", at_show(SHOW)), shelf + sold) == (0, SHELF_UNITS)
        assert sold == state.pools["scarf"].sold
        assert await tx.scalar(select(func.count()).select_from(orders)) == state.paid
        firm = (await balances(tx))["firm:sandbox", "CNY"]
        came = select(func.coalesce(func.sum(payments.c.amount), 0)).where(payments.c.state == "succeeded")
        assert firm == await tx.scalar(came)


async def test_an_evening_is_the_same_on_either_database(books: Books) -> None:
    state = await book_evening(books, seed=5, batch=4)
    async with books.read() as tx:
        assert await differences(tx) == []
        assert await tx.scalar(select(func.sum(orders.c.total))) == state.revenue
        show = await find_show(tx, SHOW)
        assert show is not None
        assert show.state == "closed"


async def test_a_paid_order_is_booked_with_its_words_amounts_and_goods(sqlite_books: Books) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(sqlite_books, 10))
    desk.ask(order("or-1", "ann", "pair", 2, 1_800))
    desk.ask(payment("or-1", "pa-1", 3_600))
    await (await Clerk.at_work(sqlite_books)).book(desk.commits)
    async with sqlite_books.read() as tx:
        booked = await find_order_of(tx, MERCHANT, "or-1")
        assert booked is not None
        assert (booked.amounts.total, booked.buyer, booked.contact) == (3_600, "ann", "contact-ann")
        assert booked.lines[0].goods == (("scarf", 2),)
        assert booked.lines[0].title["zh"] == "丝巾"
        assert await units_at(tx, "scarf", SOLD) == 4
        assert await balances(tx) == Counter(
            {("firm:sandbox", "CNY"): 3_600, (f"merchant:{MERCHANT}:sales", "CNY"): -3_600}
        )


@pytest.mark.parametrize("late", ["lapsed", "cancelled", "paid_twice"])
async def test_money_without_goods_is_owed_back_once(sqlite_books: Books, late: str) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(sqlite_books, 1))
    desk.ask(order("or-1", "ann"))
    if late == "lapsed":
        desk.wait(HOLD_SECONDS + 1)
        desk.ask(order("or-2", "bob"))
    elif late == "cancelled":
        desk.ask(c.CancelOrder("or-1"))
    else:
        desk.ask(payment("or-1", "pa-0"))
    await open_try(sqlite_books, "or-1", "pa-1", 1_000, "ref-1")
    desk.ask(payment("or-1", "pa-1"))
    clerk = await Clerk.at_work(sqlite_books)
    await clerk.book(desk.commits)
    async with sqlite_books.read() as tx:
        owed = await refunds_of_order(tx, "or-1")
        assert [(refund.amount, refund.reason, refund.ref) for refund in owed] == [(1_000, late, "ref-1")]
        assert (await balances(tx))["refunds", "CNY"] == -1_000
        assert await differences(tx) == []


TABLES = (orders, order_lines, posting_lines, records, stock_moves, payments)


async def everything(books: Books) -> list[list[tuple[object, ...]]]:
    async with books.read() as tx:
        return [sorted((tuple(row) for row in await tx.execute(select(table))), key=repr) for table in TABLES]


class Cut(Exception):
    """The power goes."""


async def test_a_cut_at_any_statement_leaves_the_same_books(tmp_path: Path) -> None:
    """Every statement of every transaction of an evening fails once; the clerk begins again each time."""
    calm = await open_books(f"sqlite+aiosqlite:///{tmp_path / 'calm.sqlite'}", tmp_path / "key")
    cut = await open_books(f"sqlite+aiosqlite:///{tmp_path / 'cut.sqlite'}", tmp_path / "key")
    desk = DeskInHand(SHOW)
    granted = await stock_books(calm, 6)
    other = await stock_books(cut, 6)
    async with cut.begin() as tx:  # the same ids in both, so that rows can be compared
        await tx.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        for table, column in (("allotments", "id"), ("stock", "place"), ("stock_moves", "target")):
            await tx.exec_driver_sql(
                f"UPDATE {table} SET {column} = replace({column}, '{other.id}', '{granted.id}')"
            )
        await tx.exec_driver_sql(f"UPDATE stock_moves SET key = replace(key, '{other.id}', '{granted.id}')")
    open_shop(desk, granted)
    an_evening(desk, random.Random(3), steps=12)
    left, cuts = 0, 0

    def fuse(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Cut

    event.listen(cut.engine.sync_engine, "before_cursor_execute", fuse)
    done = False
    for statement in range(3, 10_000):
        left = statement
        try:
            clerk = await Clerk.at_work(cut)
            await clerk.book(desk.commits)
            done = left > 0
        except Cut:
            cuts += 1
        if done:
            break
    left = 0
    assert done
    assert cuts > 20
    await (await Clerk.at_work(calm)).book(desk.commits)
    assert await everything(cut) == await everything(calm)
    async with cut.read() as tx:
        assert (await archived_to(tx, SHOW)).version == desk.state.version
    await calm.close()
    await cut.close()


async def test_orders_are_read_by_their_own_merchant_alone(sqlite_books: Books) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(sqlite_books, 10))
    for number in range(3):
        desk.ask(order(f"or-{number}"))
        desk.ask(payment(f"or-{number}", f"pa-{number}"))
        desk.wait(1)
    await (await Clerk.at_work(sqlite_books)).book(desk.commits)
    await stock_books(sqlite_books, 1, show="show-2", merchant="merchant-2")
    async with sqlite_books.read() as tx:
        page, after = await list_orders(tx, MERCHANT, most=2)
        assert [found.id for found in page] == ["or-2", "or-1"]
        rest, end = await list_orders(tx, MERCHANT, after=after, most=2)
        assert ([found.id for found in rest], end) == (["or-0"], None)
        assert await list_orders(tx, "merchant-2") == ([], None)
        assert await list_orders(tx, "merchant-2", show=SHOW, after="or-2") == ([], None)
        assert await find_order_of(tx, "merchant-2", "or-1") is None
