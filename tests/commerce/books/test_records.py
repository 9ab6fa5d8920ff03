"""Somebody changes the books by hand: verify says where."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text

from commerce.books import Books
from commerce.books.checks import differences
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.stocked import SHOW, Clerk, an_evening, open_shop, stock_books


async def booked(books: Books) -> None:
    desk = DeskInHand(SHOW)
    open_shop(desk, await stock_books(books, 20))
    an_evening(desk, random.Random(2))
    await (await Clerk.at_work(books)).book(desk.commits)


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        (
            "UPDATE records SET body = replace(body, '\"total\":', '\"total\": ') WHERE number = 1",
            "record 1 of",
        ),
        ("DELETE FROM records WHERE number = 2", "record 3 of"),
        ("UPDATE records SET at = at + 1 WHERE number = 2", "record 2 of"),
        (
            "DELETE FROM records WHERE kind = 'OrderPaid'"
            " AND number = (SELECT max(number) FROM records WHERE kind = 'OrderPaid')",
            "order",
        ),
        (
            "UPDATE orders SET goods = goods - 1, total = total - 1 WHERE id = (SELECT min(id) FROM orders)",
            "order or-",
        ),
        ("UPDATE posting_lines SET amount = amount + 1 WHERE posting_id = 1 AND number = 0", "posting"),
        ("UPDATE stock SET units = units + 1 WHERE place = 'shelf'", "stock scarf at shelf"),
        ("DELETE FROM stock_moves WHERE target = 'sold'", "stock scarf at"),
        ("UPDATE allotments SET state = 'granted'", "allotment"),
        ("UPDATE refunds SET amount = amount + 1 WHERE amount > 1", "refunds in CNY"),
        ("UPDATE payments SET state = 'failed' WHERE id IN (SELECT payment_id FROM refunds)", "payment"),
    ],
)
async def test_tampering_shows(books: Books, tampering: str, where: str) -> None:
    await booked(books)
    async with books.begin() as tx:
        assert await differences(tx) == []
        changed = await tx.execute(text(tampering))
        assert changed.rowcount
        found = await differences(tx)
    assert any(difference.where.startswith(where) for difference in found), found
