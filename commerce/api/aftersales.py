"""After the payment: what becomes of an order, what goes back, and who may see where it goes.

Every change names the version that it was decided on; an older one is `VersionDiffers`, with what the order
is now. The merchant changes, the buyer may ask for a return; money that goes back is owed here and made by
the effects.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final, TypeAlias

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api import answered
from commerce.api.ask import Ask
from commerce.api.asked import (
    Advance,
    ContactRead,
    OfVersion,
    OrderVersion,
    PartRefund,
    ReturnAsked,
    ReturnedGoods,
)
from commerce.api.merchant import merchant_of
from commerce.api.orders import booked_order, refund_of, return_of, shown_contact
from commerce.api.problems import Problem
from commerce.books import aftersales, persons
from commerce.books.aftersales import Act, Raced
from commerce.books.orders import BookedOrder, changes_of, find_order_of, find_order_of_buyer
from commerce.books.payments import payments_of_order
from commerce.books.refunds import refunds_of_order
from commerce.books.returns import wishes_of

Deed: TypeAlias = Callable[[AsyncConnection, Act], Awaitable[BookedOrder | aftersales.Refusal]]
TRIES_WHEN_RACED: Final = 3


async def read_merchant_order(ask: Ask) -> Struct:
    """An order with all that happened to it: steps, refunds, returns, tries to pay; contact masked."""
    return await _file(ask, await _own(ask))


async def advance_order(ask: Ask, body: Advance) -> Struct:
    """The next step: declared, cleared, shipped or delivered."""
    return await _done(ask, body, lambda tx, act: aftersales.advance(tx, act, body.state))


async def cancel_paid_order(ask: Ask, body: OrderVersion) -> Struct:
    """Cancel an order whose goods have not left; all the money goes back."""
    return await _done(ask, body, aftersales.cancel_paid)


async def refund_order(ask: Ask, body: PartRefund) -> Struct:
    """Give a part of the money back, or all that is left; the goods stay where they are."""
    return await _done(ask, body, lambda tx, act: aftersales.refund_part(tx, act, body.amount))


async def receive_return(ask: Ask, body: ReturnedGoods) -> Struct:
    """Goods came back: their share of the money goes back too."""
    pieces = {line.line: line.pieces for line in body.lines}
    return await _done(
        ask, body, lambda tx, act: aftersales.take_return(tx, act, pieces, restock=body.restock)
    )


async def decline_return(ask: Ask, body: OrderVersion) -> Struct:
    """Say no to the return that the buyer asked for."""
    return await _done(ask, body, aftersales.decline_return)


async def read_contact(ask: Ask, body: ContactRead) -> Struct:
    """Where the parcel goes, in full; who read it, and for what, is written down."""
    order = await _own(ask)
    house = ask.house
    async with house.books.begin() as tx:
        found = await persons.full_contact(
            tx, house.books.keyring, order.contact, reader=ask.who.actor, purpose=body.purpose,
            now_ms=ask.now_ms,
        )  # fmt: skip
    if not isinstance(found, persons.Contact):
        raise Problem("ContactErased", extra={"order": order.id})
    return shown_contact(found)


async def ask_for_return(ask: Ask, body: ReturnAsked) -> Struct:
    """The buyer wants to send goods back; the merchant decides."""
    name = ask.path("order")
    async with ask.house.books.read() as tx:
        order = await find_order_of_buyer(tx, ask.who.id, name)
    if order is None:
        raise Problem("UnknownOrder")
    pieces = {line.line: line.pieces for line in body.lines}
    act = _act(ask, body, order.merchant, body.reason)
    after = await _do(ask, act, lambda tx, act: aftersales.ask_return(tx, act, pieces))
    return await booked_order(ask, after, after_sales=True)


async def _own(ask: Ask) -> BookedOrder:
    async with ask.house.books.read() as tx:
        order = await find_order_of(tx, merchant_of(ask), ask.path("order"))
    if order is None:
        raise Problem("UnknownOrder")
    return order


async def _done(ask: Ask, body: OrderVersion, deed: Deed) -> Struct:
    """Do it for the merchant with its line in the audit trail, and say what the order is now."""
    what = "".join(word.capitalize() for word in ask.request.path.rsplit("/", 1)[1].split("-"))

    async def noted(tx: AsyncConnection, act: Act) -> BookedOrder | aftersales.Refusal:
        before = await find_order_of(tx, act.merchant, act.order)
        after = await deed(tx, act)
        if isinstance(after, BookedOrder) and before is not None and after.version != before.version:
            await ask.house.note_in(tx, ask, f"Order{what}", act.order, version=after.version)
        return after

    act = _act(ask, body, merchant_of(ask), getattr(body, "reason", ""))
    return await _file(ask, await _do(ask, act, noted))


async def _do(ask: Ask, act: Act, deed: Deed) -> BookedOrder:
    for attempt in range(TRIES_WHEN_RACED):
        try:
            async with ask.house.books.begin() as tx:
                after = await deed(tx, act)
        except Raced:
            await asyncio.sleep(0.01 * attempt)
            continue
        if isinstance(after, BookedOrder):
            return after
        raise Problem(type(after).__name__, extra=asdict(after))
    raise Problem("Busy", "Others change this order at this moment")


def _act(ask: Ask, body: OfVersion, merchant: str, reason: str) -> Act:
    said = f"{ask.request.path}\n{asdict_of(body)}".encode()
    return Act(
        merchant=merchant, order=ask.path("order"), version=body.version, key=_key(ask), actor=ask.who.actor,
        reason=reason, now_ms=ask.now_ms, print=ask.house.fingerprint(said),
    )  # fmt: skip


def asdict_of(body: Struct) -> dict[str, Any]:
    """The fields of a body, as a print is made of them."""
    return {name: str(getattr(body, name)) for name in body.__struct_fields__}


def _key(ask: Ask) -> str:
    """Two callers may have chosen the same key: theirs are two."""
    return hashlib.sha256(f"{ask.who.actor}\n{ask.key}".encode()).hexdigest()[:32]


async def _file(ask: Ask, order: BookedOrder) -> answered.OrderFile:
    async with ask.house.books.read() as tx:
        changes = await changes_of(tx, order.id)
        refunds = await refunds_of_order(tx, order.id)
        wishes = await wishes_of(tx, order.id)
        tries = await payments_of_order(tx, order.id)
    return answered.OrderFile(
        order=await booked_order(ask, order),
        refunded=order.refunded,
        changes=[
            answered.OrderStep(
                version=one.version, state=one.state, actor=one.actor, reason=one.reason, at=one.at
            )
            for one in changes
        ],
        refunds=[refund_of(one) for one in refunds],
        returns=[return_of(one) for one in wishes],
        payments=[
            answered.PaymentTry(
                id=one.id, provider=one.provider, state=one.state, amount=one.amount, currency=one.currency,
                created_at=one.created_at,
            )
            for one in tries
        ],
    )  # fmt: skip
