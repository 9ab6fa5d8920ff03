"""Word of the payment firms: raw bytes in, verified before anything is read; 2xx only after the commit."""

from __future__ import annotations

from commerce.api.ask import Ask
from commerce.api.front import read_body
from commerce.api.problems import Problem
from commerce.payments import intake
from commerce.payments.desk import through
from commerce.payments.provider import Forged


async def take_webhook(ask: Ask) -> None:
    """Take what a firm says of a payment."""
    provider = ask.house.providers.get(ask.path("provider"))
    if provider is None:
        raise Problem("UnknownProvider")
    body = await read_body(ask.request)
    verdict = await intake.take_webhook(
        ask.house.books,
        provider,
        ask.request.headers,
        body,
        now_ms=ask.now_ms,
        tell_desk=through(ask.house.inbox, ask.trace),
    )
    if isinstance(verdict, Forged):
        raise Problem("WrongSignature")
    if isinstance(verdict, intake.UnknownPayment):
        raise Problem("UnknownPayment")
    if isinstance(verdict, intake.NoticeDiffers):
        raise Problem("NoticeDiffers", extra={"field": verdict.field})
    if isinstance(verdict, intake.NotYet):
        raise Problem("Busy", "The desk does not answer: say it again")
