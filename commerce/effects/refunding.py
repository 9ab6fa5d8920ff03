"""Gives money back: asks the firm for every refund due, under the refund's own key, until it is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books import Books
from commerce.books.mails import Mail, queue_mails
from commerce.books.orders import find_order
from commerce.books.payments import Message, keep_message
from commerce.books.records import keep_record
from commerce.books.refunds import Refund, due_refunds, note_made, note_refused, put_off
from commerce.effects.apart import apart
from commerce.payments.provider import FirmRefused, FirmSilent, Provider, RefundMade, RefundWish

AT_ONCE: Final = 20
REFUNDS: Final = Counter("effects_refunds", "Refunds asked of firms, by what came of it", ["result"])

log = structlog.get_logger("refunds")


async def make_due_refunds(
    books: Books, firms: Mapping[str, Provider], now_ms: int, *, mails: bool = False
) -> int:
    """Ask for each refund that is due now; how many were made. After a crash it asks again: same key."""
    async with books.read() as tx:
        due = await due_refunds(tx, now_ms, AT_ONCE)
    return await apart(due, lambda refund: _make(books, firms, refund, now_ms, mails=mails))


async def _make(
    books: Books, firms: Mapping[str, Provider], refund: Refund, now_ms: int, *, mails: bool
) -> bool:
    made = False
    answer = await _ask(firms, refund)
    async with books.begin() as tx:
        if answer.transcript.request:
            key = f"refund:{refund.id}:{refund.tries}"
            said = answer.transcript
            message = Message(key, refund.payment, "refund", said.request, said.response)
            await keep_message(tx, books.keyring, message, now_ms)
        if isinstance(answer, RefundMade):
            made = await note_made(tx, refund, answer.ref, now_ms)
            if made:
                await keep_record(tx, refund.show, "RefundMade", _said(refund, answer.ref), now_ms)
            if made and mails:
                await queue_mails(tx, await _told(tx, refund, now_ms))
        elif isinstance(answer, FirmRefused):
            await note_refused(tx, refund, now_ms)
        else:
            await put_off(tx, refund, now_ms)
    _count(refund, answer)
    return made


async def _ask(firms: Mapping[str, Provider], refund: Refund) -> RefundMade | FirmRefused | FirmSilent:
    firm = firms.get(refund.provider)
    if firm is None or refund.ref is None:
        return FirmSilent("no way to reach the firm of this payment")
    wish = RefundWish(refund.id, refund.ref, refund.amount, refund.currency, refund.paid)
    return await firm.refund(wish)


async def _told(tx: AsyncConnection, refund: Refund, now_ms: int) -> list[Mail]:
    """A mail to the buyer of a booked order; of money that was never earned the log's events tell."""
    order = await find_order(tx, refund.order)
    if order is None:
        return []
    details = {"amount": refund.amount, "currency": refund.currency}
    return [Mail(f"refund:{refund.id}", "refunded", order.id, order.contact, details, now_ms)]


def _said(refund: Refund, ref: str) -> dict[str, object]:
    names = ("id", "payment", "order", "amount", "currency", "reason", "provider")
    return {**{name: getattr(refund, name) for name in names}, "ref": ref}


def _count(refund: Refund, answer: RefundMade | FirmRefused | FirmSilent) -> None:
    REFUNDS.labels(type(answer).__name__).inc()
    if isinstance(answer, FirmRefused):
        log.error("the firm refuses a refund", refund=refund.id, code=answer.code)
    elif isinstance(answer, FirmSilent):
        log.warning("no refund yet", refund=refund.id, why=answer.why, tries=refund.tries + 1)
    else:
        log.info("refund made", refund=refund.id, amount=refund.amount, currency=refund.currency)
