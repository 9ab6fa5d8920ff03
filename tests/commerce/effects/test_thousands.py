"""Thousands of random shows are closed; what is posted of them balances to the last minor unit.

The postings are made by the functions that the archivist and the merchant's deeds use, without a database;
`test_bookings` writes some evenings into real ones.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from commerce.books.aftersales import _undo
from commerce.books.ledger import Line, unearned
from commerce.books.orders import BookedOrder, _sale
from commerce.effects.bookings import booked
from commerce.show import commands as c
from commerce.show import events as e
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import HOLD_SECONDS, opening

SHOWS = 3_000


def a_show(number: int, rng: random.Random) -> DeskInHand:
    """A short show with odd freight, tax and discounts; some pay late, some twice, some not at all."""
    desk = DeskInHand(f"show-{number}")
    for command in opening(rng.randint(2, 9)):
        desk.ask(command)
    for step in range(rng.randint(1, 5)):
        name, quantity = f"or-{number}-{step}", rng.randint(1, 3)
        goods, freight, tax = quantity * 1_000, rng.randint(0, 999), rng.randint(0, 999)
        off = rng.randint(0, goods)
        total = goods + freight + tax - off
        lines = (c.OrderLine("single", quantity, 1_000),)
        wish = c.PlaceOrder(name, f"buyer-{step}", f"ct-{step}", lines, freight, tax, off, total)
        if not desk.ask(wish).accepted:
            continue
        if rng.random() < 0.2:
            desk.wait(HOLD_SECONDS + 1)
        for time in range(rng.choice((0, 1, 1, 1, 2))):
            desk.ask(c.RecordPayment(name, f"pa-{name}-{time}", "sandbox", total, "CNY", "succeeded"))
    desk.ask(c.CloseShow())
    desk.wait(HOLD_SECONDS + 1)
    desk.wait(1)
    assert desk.state.stage == "closed"
    return desk


def paid_and_owed(desk: DeskInHand) -> Iterator[tuple[int, tuple[Line, ...], BookedOrder | None]]:
    """What came, how it is posted, and the order that it paid for."""
    for commit in desk.commits:
        for event in commit.events:
            if isinstance(event, e.OrderPaid):
                order = booked(desk.state, desk.state.orders[event.order], event)
                yield event.amount, _sale(order).lines, order
            elif isinstance(event, e.RefundDue):
                yield event.amount, unearned(event.amount, event.provider), None


def undone(order: BookedOrder, rng: random.Random) -> Iterator[tuple[Line, ...]]:
    """All the money of an order goes back, in random parts."""
    while order.refunded < order.amounts.total:
        part = rng.randint(1, order.amounts.total - order.refunded)
        yield _undo(order, part)
        order = replace(order, refunded=order.refunded + part)


def test_thousands_of_random_shows_balance_and_come_to_nothing_when_all_is_given_back() -> None:
    rng = random.Random(20_261_122)
    orders = refunds = 0
    for number in range(SHOWS):
        sums: Counter[str] = Counter()
        came = 0
        for amount, lines, order in paid_and_owed(a_show(number, rng)):
            came += amount
            parts = list(undone(order, rng)) if order is not None else []
            orders, refunds = orders + (order is not None), refunds + (order is None) + len(parts)
            for posting in (lines, *parts):
                assert sum(line.amount for line in posting) == 0
                for line in posting:
                    sums[line.account] += line.amount
        left = {account: amount for account, amount in sums.items() if amount}
        assert left == ({"firm:sandbox": came, "refunds": -came} if came else {}), number
    assert orders > SHOWS
    assert refunds > SHOWS
