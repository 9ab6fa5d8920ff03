"""What must hold inside the books, whatever happened: each check names every difference it finds.

Knows SQL alone; `verify` compares with the logs besides.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ledger import REFUNDS
from commerce.books.records import first_breaks
from commerce.books.stock import in_allotment
from commerce.books.tables import (
    allotments,
    orders,
    payments,
    posting_lines,
    postings,
    records,
    refunds,
    shows,
    stock,
    stock_moves,
)


class Difference(NamedTuple):
    """Something that should be equal and is not."""

    where: str
    what: str


Check: TypeAlias = Callable[[AsyncConnection], AsyncIterator[Difference]]


async def differences(tx: AsyncConnection) -> list[Difference]:
    """All differences of all checks."""
    return [difference for check in CHECKS for difference in [found async for found in check(tx)]]


async def postings_balance(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """Every posting sums to zero in each currency."""
    total = func.sum(posting_lines.c.amount)
    query = (
        select(postings.c.key, posting_lines.c.currency, total.label("total"))
        .join(postings, postings.c.id == posting_lines.c.posting_id)
        .group_by(postings.c.key, posting_lines.c.currency)
        .having(total != 0)
    )
    for row in await tx.execute(query):
        yield Difference(f"posting {row.key}", f"is off by {row.total} {row.currency}")


async def stock_follows_its_moves(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """Each place has what was moved in less what was moved out; all places of a SKU sum to zero."""
    expected: Counter[tuple[str, str]] = Counter()
    for move in await tx.execute(select(stock_moves)):
        expected[move.sku, move.source] -= move.units
        expected[move.sku, move.target] += move.units
    there = {(row.sku, row.place): row.units for row in await tx.execute(select(stock))}
    for place in sorted(expected.keys() | there.keys()):
        if expected[place] != there.get(place, 0):
            yield Difference(
                f"stock {place[0]} at {place[1]}", f"is {there.get(place, 0)}, moves say {expected[place]}"
            )


async def allotments_follow_their_stock(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """A granted allotment lies whole on its way, any other is empty."""
    there = {(row.sku, row.place): row.units for row in await tx.execute(select(stock))}
    for row in await tx.execute(select(allotments)):
        should = row.units if row.state == "granted" else 0
        lies = there.get((row.sku, in_allotment(row.id)), 0)
        if lies != should:
            yield Difference(f"allotment {row.id} ({row.state})", f"has {lies} on its way, not {should}")


async def closed_shows_keep_nothing(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """What a closed show did not sell went back."""
    query = select(stock).join(shows, stock.c.place == "show:" + shows.c.id)
    for row in await tx.execute(query.where(shows.c.state == "closed", stock.c.units != 0)):
        yield Difference(f"closed {row.place}", f"still has {row.units} of {row.sku}")


async def orders_are_posted_and_recorded(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """Each order has its sale, for its total, and a record with its amounts; no record is without order."""
    gained = await _debits(tx)
    recorded = await _recorded(tx, "OrderPaid", "id")
    known = set()
    for order in await tx.execute(select(orders)):
        known.add(order.id)
        total = gained.get(f"paid:{order.id}")
        expected = order.total + order.discount
        if (total or 0) != expected or total is None:
            yield Difference(f"order {order.id}", f"is posted with {total}, not {expected}")
        body = recorded.get(order.id)
        names = ("goods", "freight", "tax", "discount", "total", "currency")
        if body is None or any(body["amounts"][name] != getattr(order, name) for name in names):
            yield Difference(f"order {order.id}", "differs from its record" if body else "has no record")
    for missing in sorted(recorded.keys() - known):
        yield Difference(f"order {missing}", "is recorded but not in the books")


async def _debits(tx: AsyncConnection) -> dict[str, int]:
    query = (
        select(postings.c.key, func.coalesce(func.sum(posting_lines.c.amount), 0).label("total"))
        .outerjoin(
            posting_lines, (posting_lines.c.posting_id == postings.c.id) & (posting_lines.c.amount > 0)
        )
        .group_by(postings.c.key)
    )
    return {row.key: int(row.total) for row in await tx.execute(query)}


async def _recorded(tx: AsyncConnection, kind: str, name: str) -> dict[str, Any]:
    found = await tx.execute(select(records.c.body).where(records.c.kind == kind))
    bodies = [json.loads(row.body) for row in found]
    return {body[name]: body for body in bodies}


async def refunds_are_posted(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """What is owed to buyers in the ledger is what refunds are not made; each made one has its record."""
    owed: Counter[str] = Counter()
    recorded = await _recorded(tx, "RefundMade", "id")
    for refund in await tx.execute(select(refunds)):
        if refund.state != "made":
            owed[refund.currency] -= refund.amount
        elif refund.id not in recorded or recorded[refund.id]["amount"] != refund.amount:
            yield Difference(f"refund {refund.id}", "was made without such a record")
    query = (
        select(posting_lines.c.currency, func.sum(posting_lines.c.amount).label("total"))
        .where(posting_lines.c.account == REFUNDS)
        .group_by(posting_lines.c.currency)
    )
    booked = {row.currency: int(row.total) for row in await tx.execute(query)}
    for currency in sorted(owed.keys() | booked.keys()):
        if owed[currency] != booked.get(currency, 0):
            yield Difference(
                f"refunds in {currency}", f"are {booked.get(currency, 0)} in the ledger, not {owed[currency]}"
            )


async def orders_owe_what_was_promised(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """`refunded` of an order is the sum of the refunds that its changes owed."""
    owed: Counter[str] = Counter()
    for refund in await tx.execute(select(refunds).where(refunds.c.key.like("order:%"))):
        owed[refund.order_id] += refund.amount
    for order in await tx.execute(select(orders.c.id, orders.c.refunded)):
        if owed[order.id] != order.refunded:
            yield Difference(
                f"order {order.id}", f"says {order.refunded} went back, refunds {owed[order.id]}"
            )


async def no_payment_goes_back_more_than_it_was(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """The refunds of a payment are at most the payment, and only of one that succeeded."""
    query = (
        select(payments.c.id, payments.c.amount, payments.c.state, func.sum(refunds.c.amount).label("back"))
        .join(refunds, refunds.c.payment_id == payments.c.id)
        .group_by(payments.c.id, payments.c.amount, payments.c.state)
    )
    for row in await tx.execute(query):
        if int(row.back) > row.amount or row.state != "succeeded":
            yield Difference(f"payment {row.id}", f"of {row.amount} ({row.state}) gives {row.back} back")


async def chains_are_whole(tx: AsyncConnection) -> AsyncIterator[Difference]:
    """No record was changed, dropped or put in between."""
    for broken in await first_breaks(tx):
        yield Difference(f"record {broken.number} of {broken.chain}", broken.why)


CHECKS: Final[tuple[Check, ...]] = (
    postings_balance,
    stock_follows_its_moves,
    allotments_follow_their_stock,
    closed_shows_keep_nothing,
    orders_are_posted_and_recorded,
    refunds_are_posted,
    orders_owe_what_was_promised,
    no_payment_goes_back_more_than_it_was,
    chains_are_whole,
)
