"""Tells a show's desk what a firm said, through its inbox."""

from __future__ import annotations

from typing import Literal

from commerce.live.inbox import Accepted, Busy, Inbox, NoAnswer
from commerce.payments.intake import DeskRefused, TellDesk, Told
from commerce.show.commands import RecordPayment
from commerce.show.refusals import TooLate, Undecided


def through(inbox: Inbox, trace: str = "") -> TellDesk:
    """A way to tell desks. The key is the payment and its outcome: told again, the same answer."""

    async def tell(told: Told) -> Literal["accepted", "no_answer"] | DeskRefused:
        command = RecordPayment(
            order=told.order, payment=told.payment, provider=told.provider, amount=told.amount,
            currency=told.currency, outcome=told.outcome,
        )  # fmt: skip
        try:
            answer = await inbox.ask(
                told.show, command, actor=f"firm:{told.provider}", key=told.key, trace=trace
            )
        except (NoAnswer, Busy):
            return "no_answer"
        if isinstance(answer, Accepted):
            return "accepted"
        return (
            "no_answer"
            if isinstance(answer.refusal, TooLate | Undecided)
            else DeskRefused(answer.refusal.code)
        )

    return tell
