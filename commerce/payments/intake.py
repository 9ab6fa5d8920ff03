"""What the shop does with a firm's word on a payment: verify, compare, tell the desk, then answer.

Order of things, none of which may move: the raw bytes are verified first; amount, currency and order are
compared with what the books asked for; the desk (or, after the show's end, the books) commits; only then is
the firm told 2xx. A word that comes twice, early, late or out of order ends in the same books.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books import Books
from commerce.books.ledger import Posting, post, unearned
from commerce.books.payments import LESS_SURE, Message, Payment, find_payment, keep_message, settle_payment
from commerce.books.refunds import Owed, owe_refund
from commerce.books.schedule import find_show
from commerce.payments.provider import Forged, Notice, Provider, Transcript


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk is to be told: the fields of `RecordPayment`, the show, and the idempotency key."""

    show: str
    key: str
    order: str
    payment: str
    provider: str
    amount: int
    currency: str
    outcome: Literal["succeeded", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class DeskRefused:
    """The desk's refusal, by its code (`UnknownOrder`, `AmountDiffers`, …)."""

    code: str


TellDesk: TypeAlias = Callable[[Told], Awaitable[Literal["accepted", "no_answer"] | DeskRefused]]


@dataclass(frozen=True, slots=True)
class Taken:
    """Committed (or known, or of no interest): answer 204."""

    what: Literal["recorded", "known", "ignored", "refund_due"]


@dataclass(frozen=True, slots=True)
class UnknownPayment:
    """Signed by the firm, but about a payment that the books never opened: answer 404."""

    payment: str


@dataclass(frozen=True, slots=True)
class NoticeDiffers:
    """The firm's word is not about what was asked: nothing changed, somebody has to look. Answer 409."""

    payment: str
    field: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """The desk did not answer: answer 503, the firm will say it again."""


Verdict: TypeAlias = Taken | Forged | UnknownPayment | NoticeDiffers | NotYet


async def take_webhook(
    books: Books,
    provider: Provider,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now_ms: int,
    tell_desk: TellDesk,
) -> Verdict:
    """Take a webhook in; `body` is the raw bytes as they came. Nothing is read before it is verified."""
    notice = provider.read_webhook(headers, body, now_ms / 1000)
    if notice is None:
        return Taken("ignored")
    if isinstance(notice, Forged):
        return notice
    heard = Heard(provider.name, "webhook", Transcript(body, b""))
    return await take_notice(books, heard, notice, now_ms, tell_desk)


@dataclass(frozen=True, slots=True)
class Heard:
    """From which firm, on what occasion (webhook · query) and in which bytes a notice came."""

    provider: str
    kind: str
    transcript: Transcript


async def take_notice(
    books: Books, heard: Heard, notice: Notice, now_ms: int, tell_desk: TellDesk
) -> Verdict:
    """Take in a word that is known to be the firm's: from a webhook, or from asking it."""
    async with books.read() as tx:
        payment = await find_payment(tx, heard.provider, notice.payment)
        show = await find_show(tx, payment.show) if payment else None
    if payment is None or show is None:
        return UnknownPayment(notice.payment)
    verdict: NoticeDiffers | NotYet | Taken | None = _compare(notice, payment)
    if verdict is None and show.state != "closed" and _is_news(payment, notice):
        verdict = await _tell(tell_desk, payment, notice)
    if isinstance(verdict, NotYet):
        return verdict
    async with books.begin() as tx:
        if verdict is None:
            verdict = Taken(await _settle(tx, payment, notice, show.state == "closed", now_ms))
        await keep_message(tx, books.keyring, _message(heard, payment, verdict), now_ms)
    return verdict


def _compare(notice: Notice, payment: Payment) -> NoticeDiffers | None:
    """The first of order, currency, amount and the firm's own id in which the notice differs."""
    pairs = {
        "order": (notice.order, payment.order),
        "currency": (notice.currency, payment.currency),
        "amount": (notice.amount, payment.amount),
        "ref": (notice.ref, payment.ref or notice.ref),
    }
    wrong = next((name for name, (said, asked) in pairs.items() if said != asked), None)
    return None if wrong is None else NoticeDiffers(payment.id, wrong)


def _is_news(payment: Payment, notice: Notice) -> bool:
    return payment.state in LESS_SURE[notice.outcome]


async def _tell(tell_desk: TellDesk, payment: Payment, notice: Notice) -> NotYet | NoticeDiffers | None:
    told = Told(
        show=payment.show, key=f"{payment.id}/{notice.outcome}", order=payment.order, payment=payment.id,
        provider=payment.provider, amount=notice.amount, currency=notice.currency, outcome=notice.outcome,
    )  # fmt: skip
    answer = await tell_desk(told)
    if answer == "no_answer":
        return NotYet()
    return NoticeDiffers(payment.id, answer.code) if isinstance(answer, DeskRefused) else None


async def _settle(
    tx: AsyncConnection, payment: Payment, notice: Notice, is_over: bool, now_ms: int
) -> Literal["recorded", "known", "refund_due"]:
    """Note the outcome. After the show's end the log takes nothing more, so the books give the money back.

    The archivist settles payments too, before it notes the end, and owes a payment back under the same key:
    whoever of both is first, money goes back once.
    """
    if not await settle_payment(tx, payment.id, notice.outcome, now_ms):
        return "known"
    if not is_over or notice.outcome != "succeeded":
        return "recorded"
    key = f"unearned:{payment.id}"
    lines = unearned(notice.amount, payment.provider)
    posting = Posting(key, "unearned", notice.currency, lines, payment.order, payment.show)
    await post(tx, posting, now_ms)
    await owe_refund(tx, Owed(key, payment.id, payment.order, notice.amount, "closed"), now_ms)
    return "refund_due"


def _message(heard: Heard, payment: Payment, verdict: Taken | NoticeDiffers) -> Message:
    said = heard.transcript
    digest = hashlib.sha256(said.request + b"\0" + said.response).hexdigest()
    word = verdict.what if isinstance(verdict, Taken) else type(verdict).__name__
    return Message(f"{heard.kind}:{digest}", payment.id, heard.kind, said.request, said.response, word)
