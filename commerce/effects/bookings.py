"""What each event of a show's log means for the books; a table of events, one booking each.

Runs inside a transaction that also moves the archive position, with the show's state folded at least as far
as the event. Every booking has a key of its own besides, so that one made twice is made once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.audit import note_acts
from commerce.books.ledger import Posting, post, unearned
from commerce.books.mails import queue_mails
from commerce.books.money import Amounts
from commerce.books.orders import BookedOrder, OrderLine, book_orders
from commerce.books.payments import Payment, note_paid, settle_payment
from commerce.books.records import keep_record
from commerce.books.refunds import Owed, owe_refund
from commerce.books.schedule import Plan, adopt_show, note_show
from commerce.books.stock import (
    SOLD,
    Move,
    NotEnoughStock,
    StockAstray,
    archive_allotment,
    at_show,
    find_allotment,
    move_all,
    skus_at,
    take_back,
)
from commerce.effects.acts import lines_of
from commerce.effects.postbag import mails_of
from commerce.show import events as e
from commerce.show.commit import Commit
from commerce.show.state import Order, State

BY_DESK: Final = "desk"
ORDERS_AT_ONCE: Final = 500

log = structlog.get_logger("archivist")


class Page(NamedTuple):
    """Where one booking is made: the transaction, the folded state, when it was decided, and its key."""

    tx: AsyncConnection
    state: State
    at: int
    key: str  # show/version/index


async def book_commits(
    tx: AsyncConnection, state: State, commits: Sequence[Commit], *, mails: bool = False
) -> None:
    """Book every event that means something to the books, in order; payments in a row at once.

    In the same transaction the trail is told what staff had done; with `mails` buyers are written to.
    """
    await note_acts(tx, lines_of(state.show, commits))
    if mails:
        await queue_mails(tx, mails_of(state, commits))
    paid: list[tuple[Page, e.OrderPaid]] = []
    for commit in commits:
        for index, event in enumerate(commit.events):
            page = Page(tx, state, commit.at, f"{state.show}/{commit.version}/{index}")
            if isinstance(event, e.OrderPaid):
                paid.append((page, event))
            elif (booking := BOOKINGS.get(type(event))) is not None:
                await _orders_paid(paid)
                paid = []
                await booking(page, event)
    await _orders_paid(paid)


async def _show_opened(page: Page, event: e.ShowOpened) -> None:
    plan = Plan(
        title=event.title, starts_at=event.opened_at, time_zone="UTC", currency=event.currency,
        hold_seconds=event.hold_seconds, standing=event.standing, show=page.state.show,
    )  # fmt: skip
    await adopt_show(page.tx, event.merchant, plan, page.at)
    await note_show(page.tx, page.state.show, state="opened")


async def _codec_chosen(page: Page, event: e.CodecChosen) -> None:
    await note_show(page.tx, page.state.show, codec=event.codec)


async def _on_air(page: Page, event: e.FeedPutOnAir) -> None:
    await note_show(page.tx, page.state.show, on_air=True)


async def _off_air(page: Page, event: e.FeedTakenOffAir) -> None:
    await note_show(page.tx, page.state.show, on_air=False)


async def _show_closing(page: Page, event: e.ShowClosing) -> None:
    await note_show(page.tx, page.state.show, state="closing")


async def _show_closed(page: Page, event: e.ShowClosed) -> None:
    await note_show(page.tx, page.state.show, state="closed", on_air=False, closed_at=event.closed_at)
    await keep_record(page.tx, page.state.show, "ShowClosed", {"version": page.state.version}, page.at)


async def _stock_allotted(page: Page, event: e.StockAllotted) -> None:
    known = await find_allotment(page.tx, event.allotment)
    if known is None:
        log.warning("stock that the books never granted", show=page.state.show, allotment=event.allotment)
    elif (known.show, known.sku, known.units) != (page.state.show, event.sku, event.units):
        raise StockAstray(f"allotment {event.allotment} is another in the log than in the books")
    else:
        await archive_allotment(page.tx, event.allotment, page.at)


async def _stock_returned(page: Page, event: e.StockReturned) -> None:
    if await find_allotment(page.tx, event.allotment) is not None:
        key = f"return:{page.key}"
        await take_back(page.tx, event.allotment, event.units, key, page.at)


async def _orders_paid(paid: Sequence[tuple[Page, e.OrderPaid]]) -> None:
    for start in range(0, len(paid), ORDERS_AT_ONCE):
        await _book(paid[start : start + ORDERS_AT_ONCE])


async def _book(paid: Sequence[tuple[Page, e.OrderPaid]]) -> None:
    page = paid[-1][0]
    payments = [_payment(page, event.order, event.payment, event.provider, event.amount) for _, event in paid]
    await note_paid(page.tx, payments, page.at)
    orders = [booked(page.state, page.state.orders[event.order], event) for _, event in paid]
    await _sell(page, await book_orders(page.tx, page.state.show, orders, BY_DESK))


async def _sell(page: Page, orders: Sequence[BookedOrder]) -> None:
    place = at_show(page.state.show)
    ours = await skus_at(page.tx, place)  # of another SKU the allotment was never ours: that was said before
    steps = []
    for order in orders:
        units_of: Counter[str] = Counter()
        for line in order.lines:
            for sku, units in line.goods:
                units_of[sku] += units * line.quantity
        steps += [
            Move(f"sold:{order.id}:{sku}", sku, place, SOLD, units)
            for sku, units in sorted(units_of.items())
            if sku in ours
        ]
    short = await move_all(page.tx, steps, page.at)
    if isinstance(short, NotEnoughStock):
        raise StockAstray(f"{page.state.show} sold what it never had: {short}")


async def _payment_failed(page: Page, event: e.PaymentFailed) -> None:
    await settle_payment(page.tx, event.payment, "failed", page.at)


async def _payment_unknown(page: Page, event: e.PaymentUnknown) -> None:
    await settle_payment(page.tx, event.payment, "unknown", page.at)


async def _refund_due(page: Page, event: e.RefundDue) -> None:
    payment = _payment(page, event.order, event.payment, event.provider, event.amount)
    await note_paid(page.tx, [payment], page.at)
    key = f"unearned:{event.payment}"
    lines = unearned(event.amount, event.provider)
    posting = Posting(key, "unearned", page.state.currency, lines, event.order, page.state.show)
    await post(page.tx, posting, page.at)
    owed = Owed(key, event.payment, event.order, event.amount, event.reason)
    if await owe_refund(page.tx, owed, page.at):
        await keep_record(page.tx, page.state.show, "RefundDue", e.to_wire(event)[2], page.at)


def _payment(page: Page, order: str, payment: str, provider: str, amount: int) -> Payment:
    return Payment(
        id=payment, provider=provider, ref=None, order=order, show=page.state.show,
        merchant=page.state.merchant, amount=amount, currency=page.state.currency, state="open",
        pay_url=None, created_at=page.at,
    )  # fmt: skip


def booked(state: State, order: Order, paid: e.OrderPaid) -> BookedOrder:
    """The order as the books keep it: with the texts of its offers, and what goods each piece is."""
    amounts = order.amounts
    lines = []
    for offer_id, quantity, price in order.lines:
        offer = state.offers[offer_id]
        goods = tuple((sku, units) for sku, units in offer.lines)
        lines.append(OrderLine(offer_id, offer.title, offer.image, quantity, price, goods))
    return BookedOrder(
        id=order.id, show=state.show, merchant=state.merchant, buyer=order.buyer, contact=order.contact,
        state="paid", version=1, lines=tuple(lines),
        amounts=Amounts(
            amounts.goods, amounts.freight, amounts.tax, amounts.discount, amounts.total, state.currency
        ),
        refunded=0, payment=paid.payment, provider=paid.provider, placed_at=order.placed_at,
        paid_at=paid.paid_at,
    )  # fmt: skip


BOOKINGS: Final[dict[type[Any], Callable[[Page, Any], Awaitable[None]]]] = {
    e.ShowOpened: _show_opened,
    e.CodecChosen: _codec_chosen,
    e.FeedPutOnAir: _on_air,
    e.FeedTakenOffAir: _off_air,
    e.ShowClosing: _show_closing,
    e.ShowClosed: _show_closed,
    e.StockAllotted: _stock_allotted,
    e.StockReturned: _stock_returned,
    e.PaymentFailed: _payment_failed,
    e.PaymentUnknown: _payment_unknown,
    e.RefundDue: _refund_due,
}
