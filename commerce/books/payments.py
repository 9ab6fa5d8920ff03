"""Tries to pay, and every byte said about them. An order may have several; each has one firm and one sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.keyring import Keyring, seal, unseal
from commerce.books.tables import payment_messages, payments

FIRST_ASKED_AFTER_MS: Final = 30_000
ASKED_ABOUT_MS: Final = 30 * 86_400_000
LESS_SURE: Final = {
    "unknown": ("open",),
    "failed": ("open", "unknown"),
    "succeeded": ("open", "unknown", "failed"),
}


@dataclass(frozen=True, slots=True)
class Payment:
    """One try to pay one order. `state`: open · succeeded · failed · unknown."""

    id: str
    provider: str
    ref: str | None  # the firm's own id
    order: str
    show: str
    merchant: str
    amount: int
    currency: str
    state: str
    pay_url: str | None
    created_at: int


async def open_payment(tx: AsyncConnection, payment: Payment) -> None:
    """Write down a try before the firm hears of it: no payment is ever unknown to the books."""
    await tx.execute(
        insert(payments).values(
            id=payment.id, provider=payment.provider, provider_ref=payment.ref, order_id=payment.order,
            show_id=payment.show, merchant_id=payment.merchant, amount=payment.amount,
            currency=payment.currency, state=payment.state, pay_url=payment.pay_url,
            created_at=payment.created_at, changed_at=payment.created_at,
        )
    )  # fmt: skip


async def note_page(tx: AsyncConnection, payment: str, ref: str, url: str, now_ms: int) -> None:
    """The firm made its page."""
    await tx.execute(
        update(payments)
        .where(payments.c.id == payment)
        .values(provider_ref=ref, pay_url=url, changed_at=now_ms)
    )


async def find_payment(tx: AsyncConnection, provider: str, payment: str) -> Payment | None:
    """The try with our id, if it went to this firm."""
    condition = (payments.c.id == payment) & (payments.c.provider == provider)
    row = (await tx.execute(select(payments).where(condition))).one_or_none()
    return None if row is None else _payment(row)


async def payments_of_order(tx: AsyncConnection, order: str) -> list[Payment]:
    """All tries to pay an order, newest first."""
    found = await tx.execute(
        select(payments).where(payments.c.order_id == order).order_by(payments.c.created_at.desc())
    )
    return [_payment(row) for row in found]


async def undecided_payments(tx: AsyncConnection, now_ms: int, most: int) -> list[Payment]:
    """Open or unknown tries that somebody should ask the firm about: the older, the more seldom.

    First after 30 s, then whenever a fifth of their age has passed since the last time, for 30 days.
    """
    asked_ago = now_ms - payments.c.changed_at
    age = now_ms - payments.c.created_at
    found = await tx.execute(
        select(payments)
        .where(
            payments.c.state.in_(("open", "unknown")),
            payments.c.created_at.between(now_ms - ASKED_ABOUT_MS, now_ms - FIRST_ASKED_AFTER_MS),
            asked_ago * 5 > age,
            payments.c.provider_ref.is_not(None),
        )
        .order_by(payments.c.changed_at)
        .limit(most)
    )
    return [_payment(row) for row in found]


async def settle_payment(tx: AsyncConnection, payment: str, state: str, now_ms: int) -> bool:
    """Move a payment to a surer state; True if it was this call that changed it.

    A firm's success is its last word; it may follow a failure (another card on the same page).
    """
    changed = await tx.execute(
        update(payments)
        .where(payments.c.id == payment, payments.c.state.in_(LESS_SURE[state]))
        .values(state=state, changed_at=now_ms)
    )
    return changed.rowcount == 1


async def note_paid(tx: AsyncConnection, paid: Sequence[Payment], now_ms: int) -> None:
    """A log says that these succeeded. One that the books never opened (they are older) is noted now."""
    ids = [payment.id for payment in paid]
    known = set(await tx.scalars(select(payments.c.id).where(payments.c.id.in_(ids))))
    for payment in paid:
        if payment.id not in known:
            await open_payment(tx, payment)
    await tx.execute(
        update(payments)
        .where(payments.c.id.in_(ids), payments.c.state.in_(LESS_SURE["succeeded"]))
        .values(state="succeeded", changed_at=now_ms)
    )


async def touch_payment(tx: AsyncConnection, payment: str, now_ms: int) -> None:
    """It was asked about, without result: let others go first next time."""
    await tx.execute(update(payments).where(payments.c.id == payment).values(changed_at=now_ms))


@dataclass(frozen=True, slots=True)
class Message:
    """One exchange with a firm, byte for byte. `kind`: session · webhook · refund · query."""

    key: str
    payment: str
    kind: str
    request: bytes
    response: bytes
    verdict: str | None = None  # what became of it
    at: int = 0


async def keep_message(tx: AsyncConnection, keyring: Keyring, message: Message, now_ms: int) -> bool:
    """Keep an exchange as it was, sealed (it may name a payer); False if one of this key is kept already."""
    known = select(payment_messages.c.id).where(payment_messages.c.key == message.key)
    if await tx.scalar(known):
        return False
    await tx.execute(
        insert(payment_messages).values(
            key=message.key, payment_id=message.payment, kind=message.kind, verdict=message.verdict,
            at=now_ms, request=seal(keyring.for_payments, message.request, f"request:{message.key}"),
            response=seal(keyring.for_payments, message.response, f"response:{message.key}"),
        )
    )  # fmt: skip
    return True


async def messages_of(tx: AsyncConnection, keyring: Keyring, payment: str) -> list[Message]:
    """Everything said to and by the firm about a payment, byte for byte, oldest first: customs may ask."""
    kept = payment_messages.c.request != b""  # what is past its time was emptied
    query = select(payment_messages).where(payment_messages.c.payment_id == payment, kept)
    key = keyring.for_payments
    return [
        Message(
            row.key, row.payment_id, row.kind, unseal(key, row.request, f"request:{row.key}"),
            unseal(key, row.response, f"response:{row.key}"), row.verdict, row.at,
        )
        for row in await tx.execute(query.order_by(payment_messages.c.id))
    ]  # fmt: skip


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        row.id, row.provider, row.provider_ref, row.order_id, row.show_id, row.merchant_id, row.amount,
        row.currency, row.state, row.pay_url, row.created_at,
    )  # fmt: skip
