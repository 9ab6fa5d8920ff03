"""`make verify-books` names every kind of difference: each rule is broken by hand, and the line is read."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from commerce.books import Books
from commerce.books import checks as k
from commerce.books.aftersales import Act, refund_part
from commerce.books.records import keep_record
from commerce.books.refunds import due_refunds, note_made
from commerce.show import commands as c
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import order, payment
from tests.commerce.stocked import MERCHANT, SHOW, Clerk, open_shop, stock_books

BROKEN: dict[k.Check, list[tuple[str, str]]] = {
    k.postings_balance: [
        (
            "UPDATE posting_lines SET amount = amount + 1 WHERE number = 0",
            "posting paid:or-1: is off by 1 CNY",
        ),
    ],
    k.stock_follows_its_moves: [
        (
            "UPDATE stock SET units = units + 1 WHERE place = 'shelf'",
            "stock scarf at shelf: is 100, moves say 99",
        ),
        (
            "DELETE FROM stock_moves WHERE target = 'sold'",
            "stock scarf at sold: is 1, moves say 0",
        ),
    ],
    k.allotments_follow_their_stock: [
        (
            "UPDATE allotments SET state = 'granted'",
            "allotment al-",
        ),
    ],
    k.closed_shows_keep_nothing: [
        (
            "UPDATE stock SET units = 2 WHERE place = 'show:show-1'",
            "closed show:show-1: still has 2 of scarf",
        ),
    ],
    k.orders_are_posted_and_recorded: [
        (
            "UPDATE orders SET tax = tax + 1, total = total + 1",
            "order or-1: is posted with 1000, not 1001",
        ),
        (
            "UPDATE orders SET currency = 'USD'",
            "order or-1: differs from its record",
        ),
        (
            "UPDATE postings SET key = 'x' WHERE key = 'paid:or-1'",
            "order or-1: is posted with None, not 1000",
        ),
        (
            "UPDATE records SET kind = 'x' WHERE kind = 'OrderPaid'",
            "order or-1: has no record",
        ),
        (
            "UPDATE records SET body = replace(body, 'or-1', 'or-9') WHERE kind = 'OrderPaid'",
            "order or-9: is recorded but not in the books",
        ),
    ],
    k.refunds_are_posted: [
        (
            "UPDATE refunds SET amount = amount + 1 WHERE state = 'due'",
            "refunds in CNY: are -200 in the ledger, not -201",
        ),
        (
            "UPDATE refunds SET state = 'made'",
            "refund re-",
        ),
        (
            "DELETE FROM refunds",
            "refunds in CNY: are -200 in the ledger, not 0",
        ),
    ],
    k.orders_owe_what_was_promised: [
        (
            "UPDATE orders SET refunded = refunded + 1",
            "order or-1: says 301 went back, refunds 300",
        ),
    ],
    k.no_payment_goes_back_more_than_it_was: [
        (
            "UPDATE payments SET amount = 299",
            "payment pay-1: of 299 (succeeded) gives 300 back",
        ),
        (
            "UPDATE payments SET state = 'failed'",
            "payment pay-1: of 1000 (failed) gives 300 back",
        ),
    ],
    k.chains_are_whole: [
        (
            "UPDATE records SET body = replace(body, '1000', '9000') WHERE number = 1",
            "record 1 of show:show-1: was changed",
        ),
        (
            "DELETE FROM records WHERE number = 2",
            "record 3 of show:show-1: record 2 is missing",
        ),
        (
            "UPDATE records SET previous = 'x' WHERE number = (SELECT max(number) FROM records)",
            "record 5 of show:show-1: does not name the hash before it",
        ),
    ],
}
ALL = [(check, *row) for check, rows in BROKEN.items() for row in rows]


async def after_a_show(books: Books) -> None:
    """A closed show with one paid order, of which 100 went back and 200 are due."""
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, 3))
    desk.ask(order("or-1"))
    desk.ask(payment("or-1"))
    desk.ask(c.CloseShow())
    desk.wait(1)
    await (await Clerk.at_work(books)).book(desk.commits)
    async with books.begin() as tx:
        await refund_part(tx, Act(MERCHANT, "or-1", 1, "a", "ac-1", "", desk.now), 100)
        (due,) = await due_refunds(tx, desk.now, 9)
        await note_made(tx, due, "ref", desk.now)
        await keep_record(tx, SHOW, "RefundMade", {"id": due.id, "amount": 100}, desk.now)
        await refund_part(tx, Act(MERCHANT, "or-1", 2, "b", "ac-1", "", desk.now), 200)
        assert await k.differences(tx) == []


@pytest.mark.parametrize(("check", "tampering", "line"), ALL, ids=[line for _, _, line in ALL])
async def test_a_difference_is_named(sqlite_books: Books, check: k.Check, tampering: str, line: str) -> None:
    await after_a_show(sqlite_books)
    async with sqlite_books.begin() as tx:
        await tx.execute(text("PRAGMA ignore_check_constraints = ON"))
        assert (await tx.execute(text(tampering))).rowcount
        found = [f"{where}: {what}" for where, what in [difference async for difference in check(tx)]]
        assert any(said.startswith(line) for said in found), found


def test_every_check_is_seen_to_find_something() -> None:
    assert set(BROKEN) == set(k.CHECKS)
