"""Asks again what was never answered: allotments that no log is seen to have, payments nobody decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import structlog

from commerce.books import Books
from commerce.books.payments import Payment, touch_payment, undecided_payments
from commerce.books.schedule import find_show
from commerce.books.stock import Allotment, unarchived_allotments, withdraw_allotment
from commerce.effects.apart import apart
from commerce.live.inbox import Busy, Inbox, NoAnswer
from commerce.payments.intake import Heard, NotYet, TellDesk, take_notice
from commerce.payments.provider import Looked, Provider
from commerce.show.commands import AllotStock

ACTOR: Final = "effects"
GRANTED_LATELY_MS: Final = 3_000  # whoever granted it is still sending it
AT_ONCE: Final = 50

log = structlog.get_logger("reconcile")


async def resend_allotments(books: Books, inbox: Inbox, now_ms: int) -> int:
    """Send `AllotStock` again for each grant not yet archived; after the show's end take it back.

    Only the archived end proves that the log will never have it: a refusal alone might be later than an
    acceptance whose answer was lost.
    """
    async with books.read() as tx:
        waiting = await unarchived_allotments(tx, now_ms - GRANTED_LATELY_MS, AT_ONCE)
    return await apart(waiting, lambda allotment: _settle(books, inbox, allotment, now_ms))


async def _settle(books: Books, inbox: Inbox, allotment: Allotment, now_ms: int) -> bool:
    async with books.read() as tx:
        show = await find_show(tx, allotment.show)
    if show is not None and show.state == "closed":
        async with books.begin() as tx:
            await withdraw_allotment(tx, allotment.id, now_ms)
    elif show is not None and show.state != "scheduled":
        await _resend(inbox, allotment)
    return True


async def _resend(inbox: Inbox, allotment: Allotment) -> None:
    command = AllotStock(allotment.id, allotment.sku, allotment.units)
    try:
        await inbox.ask(allotment.show, command, actor=ACTOR, key=allotment.id)
    except (NoAnswer, Busy) as why:
        log.warning("allotment not answered", allotment=allotment.id, why=type(why).__name__)


async def ask_about_payments(
    books: Books, firms: Mapping[str, Provider], tell_desk: TellDesk, now_ms: int
) -> int:
    """Ask firms about payments whose webhook never came or never decided; how many were decided now."""
    async with books.read() as tx:
        waiting = await undecided_payments(tx, now_ms, AT_ONCE)

    async def ask(payment: Payment) -> bool:
        firm = firms.get(payment.provider)
        decided = firm is not None and await _ask(books, firm, payment, tell_desk, now_ms)
        async with books.begin() as tx:
            await touch_payment(tx, payment.id, now_ms)
        return decided

    return await apart(waiting, ask)


async def _ask(books: Books, firm: Provider, payment: Payment, tell_desk: TellDesk, now_ms: int) -> bool:
    looked = await firm.look_up(payment.ref or "")
    if not isinstance(looked, Looked) or looked.notice is None:
        return False
    heard = Heard(firm.name, "query", looked.transcript)
    verdict = await take_notice(books, heard, looked.notice, now_ms, tell_desk)
    log.info("asked about a payment", payment=payment.id, verdict=type(verdict).__name__)
    return not isinstance(verdict, NotYet)
