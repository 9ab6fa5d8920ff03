"""What happens to an order after it was paid: on its way, cancelled, sent back, given money back.

One row with a version: each change names the version it was decided on, is written with its posting, its
stock moves and its record in one transaction, and is refused when the row has moved on. `key` (the caller's
idempotency key) makes a change happen once. Refunds leave here as *owed*; `commerce/effects/refunding.py` has
the firm make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ledger import REFUNDS, Line, Posting, balanced, of_merchant, post
from commerce.books.money import Amounts, split
from commerce.books.orders import BookedOrder, find_order_of
from commerce.books.records import keep_record
from commerce.books.refunds import Owed, owe_refund
from commerce.books.returns import close_wish, is_wished, keep_wish
from commerce.books.stock import SHELF, SOLD, Move, StockAstray, move
from commerce.books.tables import order_changes, order_lines, orders, stock_moves

NEXT: Final[Mapping[str, frozenset[str]]] = {
    "paid": frozenset({"declared", "shipped"}),  # nothing is declared of a parcel that crosses no border
    "declared": frozenset({"cleared"}),
    "cleared": frozenset({"shipped"}),
    "shipped": frozenset({"delivered"}),
}
STILL_HERE: Final = frozenset({"paid", "declared", "cleared"})  # the goods have not left
SENT_OUT: Final = frozenset({"shipped", "delivered"})


@dataclass(frozen=True, slots=True)
class Act:
    """Who changes which order of which merchant, from which version, why, when, and under which key.

    `print` tells two wishes under one key apart; empty: whoever asks takes care of that.
    """

    merchant: str
    order: str
    version: int
    key: str
    actor: str
    reason: str
    now_ms: int
    print: str = ""


@dataclass(frozen=True, slots=True)
class UnknownOrder:
    """Refusal: the merchant has no such order."""

    order: str


@dataclass(frozen=True, slots=True)
class VersionDiffers:
    """Refusal: the order has changed since; look again. `version` and `state` are what it is now."""

    order: str
    version: int
    state: str


@dataclass(frozen=True, slots=True)
class WrongState:
    """Refusal: that cannot be done with an order in this state."""

    order: str
    state: str


@dataclass(frozen=True, slots=True)
class TooMuch:
    """Refusal: more than is left, in minor units or in pieces of a line."""

    order: str
    most: int


@dataclass(frozen=True, slots=True)
class KeyReused:
    """Refusal: something else was done with this order under the same key."""

    order: str


@dataclass(frozen=True, slots=True)
class ReturnOpen:
    """Refusal: the buyer asked for a return before, and the merchant has not decided on it."""

    order: str


@dataclass(frozen=True, slots=True)
class NoReturnAsked:
    """Refusal: nobody asked for a return that one could decline."""

    order: str


Refusal: TypeAlias = (
    UnknownOrder | VersionDiffers | WrongState | TooMuch | KeyReused | ReturnOpen | NoReturnAsked
)


async def advance(tx: AsyncConnection, act: Act, state: str) -> BookedOrder | Refusal:
    """Take the next step: declared, cleared, shipped or delivered."""
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    if state not in NEXT.get(order.state, ()):
        return WrongState(order.id, order.state)
    await _change(tx, order, act, state, 0)
    return await _as_it_is(tx, act)


async def cancel_paid(tx: AsyncConnection, act: Act) -> BookedOrder | Refusal:
    """Cancel an order whose goods have not left: they go back to the shelf, the rest of the money is owed."""
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    if order.state not in STILL_HERE:
        return WrongState(order.id, order.state)
    back = {number: line.quantity - line.returned for number, line in enumerate(order.lines)}
    await _give_money(tx, order, act, order.amounts.total - order.refunded, "refunded")
    await _take_goods_back(tx, order, act, back)
    return await _as_it_is(tx, act)


async def refund_part(tx: AsyncConnection, act: Act, amount: int) -> BookedOrder | Refusal:
    """Owe a part of the money, or all that is left, and keep the goods where they are."""
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    left = order.amounts.total - order.refunded
    if not 0 < amount <= left:
        return TooMuch(order.id, left)
    await _give_money(tx, order, act, amount, "refunded" if amount == left else order.state)
    return await _as_it_is(tx, act)


async def take_return(
    tx: AsyncConnection, act: Act, pieces: Mapping[int, int], *, restock: bool
) -> BookedOrder | Refusal:
    """Goods that were sent out came back: `pieces` by line number. Their share of the money is owed.

    When every piece is back the order is *returned*, and freight and tax are owed too. Goods that cannot be
    sold again (`restock` False) stay booked as sold.
    """
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    if (wrong := _why_not_back(order, pieces)) is not None:
        return wrong
    returned = [line.returned + pieces.get(number, 0) for number, line in enumerate(order.lines)]
    complete = all(n == line.quantity for n, line in zip(returned, order.lines, strict=True))
    amount = order.amounts.total - order.refunded if complete else worth(order, pieces)
    await _give_money(tx, order, act, amount, "returned" if complete else order.state)
    await _note_returned(tx, order, pieces)
    await close_wish(tx, order.id, "received", act.now_ms)
    if restock:
        await _take_goods_back(tx, order, act, pieces)
    return await _as_it_is(tx, act)


async def ask_return(tx: AsyncConnection, act: Act, pieces: Mapping[int, int]) -> BookedOrder | Refusal:
    """The buyer wants to send `pieces` (by line number) back; `act.reason` is one of `returns.REASONS`."""
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    if (wrong := _why_not_back(order, pieces)) is not None:
        return wrong
    if await is_wished(tx, order.id):
        return ReturnOpen(order.id)
    await _change(tx, order, act, order.state, 0)
    await keep_wish(tx, order.id, pieces, act.reason, act.now_ms)
    return await _as_it_is(tx, act)


async def decline_return(tx: AsyncConnection, act: Act) -> BookedOrder | Refusal:
    """The merchant does not take back what the buyer wants to return."""
    order = await _decide_on(tx, act)
    if not isinstance(order, BookedOrder) or await _was_done(tx, order, act):
        return order
    if not await is_wished(tx, order.id):
        return NoReturnAsked(order.id)
    await _change(tx, order, act, order.state, 0)
    await close_wish(tx, order.id, "declined", act.now_ms)
    return await _as_it_is(tx, act)


def _why_not_back(order: BookedOrder, pieces: Mapping[int, int]) -> WrongState | TooMuch | None:
    if order.state not in SENT_OUT:
        return WrongState(order.id, order.state)
    for number, count in pieces.items():
        left = order.lines[number].quantity - order.lines[number].returned if _has(order, number) else 0
        if not 0 < count <= left:
            return TooMuch(order.id, left)
    return None


def worth(order: BookedOrder, pieces: Mapping[int, int]) -> int:
    """What the pieces cost after their share of the discount, without freight and tax."""
    goods = sum(order.lines[number].price * count for number, count in pieces.items())
    rest = order.amounts.goods - goods
    off = split(order.amounts.discount, (goods, rest))[0] if order.amounts.goods else 0
    return max(min(goods - off, order.amounts.total - order.refunded), 0)


def shares(amounts: Amounts, refunded: int) -> tuple[int, int, int, int]:
    """How much of goods, freight, tax and discount is undone once `refunded` of the total has gone back."""
    gross = amounts.goods + amounts.freight + amounts.tax
    undone = gross * refunded // amounts.total if amounts.total else 0
    goods, freight, tax = split(undone, (amounts.goods, amounts.freight, amounts.tax)) if gross else (0, 0, 0)
    return goods, freight, tax, undone - refunded


async def _decide_on(tx: AsyncConnection, act: Act) -> BookedOrder | Refusal:
    order = await find_order_of(tx, act.merchant, act.order)
    if order is None:
        return UnknownOrder(act.order)
    done = await _done_under(tx, order, act)
    if done is None and order.version != act.version:
        return VersionDiffers(order.id, order.version, order.state)
    return order if done in (None, act.print) else KeyReused(order.id)


async def _was_done(tx: AsyncConnection, order: BookedOrder, act: Act) -> bool:
    return await _done_under(tx, order, act) is not None


async def _done_under(tx: AsyncConnection, order: BookedOrder, act: Act) -> str | None:
    """The print of what was done under the key of this act; None when nothing was."""
    key = (order_changes.c.order_id == order.id) & (order_changes.c.key == act.key)
    row = (await tx.execute(select(order_changes.c.print).where(key))).one_or_none()
    return None if row is None else row.print or ""


async def _as_it_is(tx: AsyncConnection, act: Act) -> BookedOrder | Refusal:
    return await find_order_of(tx, act.merchant, act.order) or UnknownOrder(act.order)


async def _change(tx: AsyncConnection, order: BookedOrder, act: Act, state: str, amount: int) -> None:
    """Compare and set; comes before anything else is written, so that of two only one goes on."""
    version = order.version + 1
    changed = await tx.execute(
        update(orders)
        .where(orders.c.id == order.id, orders.c.version == order.version)
        .values(state=state, version=version, refunded=order.refunded + amount, changed_at=act.now_ms)
    )
    if changed.rowcount != 1:
        raise Raced(order.id)
    said = {"version": version, "state": state, "actor": act.actor, "reason": act.reason, "key": act.key}
    await tx.execute(insert(order_changes).values(order_id=order.id, at=act.now_ms, print=act.print, **said))
    body = {**said, "order": order.id, "from": order.state, "refunded": order.refunded + amount}
    await keep_record(tx, order.show, "OrderChanged", body, act.now_ms)


async def _give_money(tx: AsyncConnection, order: BookedOrder, act: Act, amount: int, state: str) -> None:
    await _change(tx, order, act, state, amount)
    if amount:
        key = f"order:{order.id}:{order.version + 1}"
        lines = _undo(order, amount)
        posting = Posting(key, "refund_owed", order.amounts.currency, lines, order.id, order.show)
        await post(tx, posting, act.now_ms)
        await owe_refund(tx, Owed(key, order.payment, order.id, amount, act.reason[:64]), act.now_ms)


def _undo(order: BookedOrder, amount: int) -> tuple[Line, ...]:
    before, after = shares(order.amounts, order.refunded), shares(order.amounts, order.refunded + amount)
    goods, freight, tax, discount = (new - old for old, new in zip(before, after, strict=True))
    return balanced(
        (
            Line(of_merchant(order.merchant, "sales"), goods),
            Line(of_merchant(order.merchant, "freight"), freight),
            Line(of_merchant(order.merchant, "tax"), tax),
            Line(of_merchant(order.merchant, "discounts"), -discount),
            Line(REFUNDS, -amount),
        )
    )


async def _take_goods_back(
    tx: AsyncConnection, order: BookedOrder, act: Act, pieces: Mapping[int, int]
) -> None:
    ours = await _booked_as_sold(tx, order)
    for number, count in pieces.items():
        for sku, units in order.lines[number].goods if count else ():
            if sku not in ours:
                continue
            step = Move(f"back:{order.id}:{act.key}:{number}:{sku}", sku, SOLD, SHELF, units * count)
            if await move(tx, step, act.now_ms) is not None:
                raise StockAstray(f"order {order.id} gives back what was never sold")


async def _booked_as_sold(tx: AsyncConnection, order: BookedOrder) -> set[str]:
    """The SKUs that left the shelf for this order: a show opened without the books sells none of ours."""
    keys = {f"sold:{order.id}:{sku}": sku for line in order.lines for sku, _ in line.goods}
    found = await tx.scalars(select(stock_moves.c.key).where(stock_moves.c.key.in_(keys)))
    return {keys[key] for key in found}


async def _note_returned(tx: AsyncConnection, order: BookedOrder, pieces: Mapping[int, int]) -> None:
    for number, count in pieces.items():
        await tx.execute(
            update(order_lines)
            .where(order_lines.c.order_id == order.id, order_lines.c.number == number)
            .values(returned=order_lines.c.returned + count)
        )


def _has(order: BookedOrder, number: int) -> bool:
    return 0 <= number < len(order.lines)


class Raced(Exception):
    """Two changed the order at the same moment; this one is rolled back. Ask again."""
