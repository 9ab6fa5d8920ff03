"""Word of the payment firms: raw bytes in, verified before anything is read; 2xx only after the commit."""

from __future__ import annotations

from typing import Final, Literal

from commerce.api.ask import Ask
from commerce.api.front import read_body
from commerce.api.problems import Problem
from commerce.live.inbox import Accepted, Busy, NoAnswer
from commerce.payments import intake
from commerce.payments.intake import DeskRefused, Told
from commerce.payments.provider import Forged
from commerce.show.commands import RecordPayment
from commerce.show.refusals import TooLate

ACTOR: Final = "firm"


async def take_webhook(ask: Ask) -> None:
    """Take what a firm says of a payment."""
    provider = ask.house.providers.get(ask.path("provider"))
    if provider is None:
        raise Problem("UnknownProvider")
    body = await read_body(ask.request)

    async def tell_desk(told: Told) -> Literal["accepted", "no_answer"] | DeskRefused:
        return await record_payment(ask, told)

    verdict = await intake.take_webhook(
        ask.house.books, provider, ask.request.headers, body, now_ms=ask.now_ms, tell_desk=tell_desk
    )
    if isinstance(verdict, Forged):
        raise Problem("WrongSignature")
    if isinstance(verdict, intake.UnknownPayment):
        raise Problem("UnknownPayment")
    if isinstance(verdict, intake.NoticeDiffers):
        raise Problem("NoticeDiffers", extra={"field": verdict.field})
    if isinstance(verdict, intake.NotYet):
        raise Problem("Busy", "The desk does not answer: say it again")


async def record_payment(ask: Ask, told: Told) -> Literal["accepted", "no_answer"] | DeskRefused:
    """Tell the desk of a payment, under the key that the word itself has."""
    command = RecordPayment(told.order, told.payment, told.provider, told.amount, told.currency, told.outcome)
    try:
        answer = await ask.house.inbox.ask(
            told.show, command, actor=f"{ACTOR}:{told.provider}", key=told.key, trace=ask.trace
        )
    except (Busy, NoAnswer):
        return "no_answer"
    if isinstance(answer, Accepted):
        return "accepted"
    return "no_answer" if isinstance(answer.refusal, TooLate) else DeskRefused(answer.refusal.code)
