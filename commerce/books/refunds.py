"""Money to be given back: due, then made or refused by the firm. One refund a key, whatever crashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import new_id
from commerce.books.ledger import Posting, post, refund_made
from commerce.books.tables import payments, refunds

FIRST_WAIT_MS: Final = 2_000
LONGEST_WAIT_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Refund:
    """`amount` of a payment that is to go back; `ref` is the firm's id of the payment, `paid` what it was."""

    id: str
    key: str
    payment: str
    ref: str | None
    provider: str
    order: str
    show: str
    amount: int
    paid: int
    currency: str
    reason: str
    state: str
    tries: int
    created_at: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Owed:
    """`amount` of a payment is to go back; `key` makes it happen once."""

    key: str
    payment: str
    order: str
    amount: int
    reason: str


async def owe_refund(tx: AsyncConnection, owed: Owed, now_ms: int) -> bool:
    """Write down what goes back; False if this key did so before.

    The caller posts what makes it due in the same transaction.
    """
    if await tx.scalar(select(refunds.c.id).where(refunds.c.key == owed.key)):
        return False
    paid = (await tx.execute(select(payments).where(payments.c.id == owed.payment))).one()
    await tx.execute(
        refunds.insert().values(
            id=new_id("re"), key=owed.key, payment_id=owed.payment, order_id=owed.order, show_id=paid.show_id,
            amount=owed.amount, currency=paid.currency, reason=owed.reason, state="due", tries=0,
            next_try_at=0, created_at=now_ms, changed_at=now_ms,
        )
    )  # fmt: skip
    return True


async def due_refunds(tx: AsyncConnection, now_ms: int, most: int) -> list[Refund]:
    """Refunds that the firm should be asked for now, those that wait longest first."""
    query = _with_payment().where(refunds.c.state == "due", refunds.c.next_try_at <= now_ms)
    return [_refund(row) for row in await tx.execute(query.order_by(refunds.c.next_try_at).limit(most))]


async def refunds_of_order(tx: AsyncConnection, order: str) -> list[Refund]:
    """All refunds of an order, oldest first."""
    query = _with_payment().where(refunds.c.order_id == order).order_by(refunds.c.created_at)
    return [_refund(row) for row in await tx.execute(query)]


async def note_made(tx: AsyncConnection, refund: Refund, ref: str, now_ms: int) -> bool:
    """The firm took it on: due → made, and the posting, in one transaction. False if it was made before."""
    changed = await tx.execute(
        update(refunds)
        .where(refunds.c.id == refund.id, refunds.c.state == "due")
        .values(state="made", provider_ref=ref, tries=refund.tries + 1, changed_at=now_ms)
    )
    if changed.rowcount != 1:
        return False
    lines = refund_made(refund.amount, refund.provider)
    posting = Posting(f"refund:{refund.id}", "refund", refund.currency, lines, refund.order, refund.show)
    return await post(tx, posting, now_ms)


async def note_refused(tx: AsyncConnection, refund: Refund, now_ms: int) -> None:
    """The firm said no for good: somebody has to look; the money stays owed in the ledger."""
    await tx.execute(
        update(refunds)
        .where(refunds.c.id == refund.id, refunds.c.state == "due")
        .values(state="refused", tries=refund.tries + 1, changed_at=now_ms)
    )


async def put_off(tx: AsyncConnection, refund: Refund, now_ms: int) -> None:
    """No answer: ask again later, each time twice as late, at most an hour."""
    wait_ms = min(FIRST_WAIT_MS << min(refund.tries, 20), LONGEST_WAIT_MS)
    await tx.execute(
        update(refunds)
        .where(refunds.c.id == refund.id, refunds.c.state == "due")
        .values(tries=refund.tries + 1, next_try_at=now_ms + wait_ms, changed_at=now_ms)
    )


def _with_payment() -> Any:
    columns = (payments.c.provider, payments.c.provider_ref.label("ref"), payments.c.amount.label("paid"))
    return select(refunds, *columns).join(payments, payments.c.id == refunds.c.payment_id)


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        row.id, row.key, row.payment_id, row.ref, row.provider, row.order_id, row.show_id, row.amount,
        row.paid, row.currency, row.reason, row.state, row.tries, row.created_at, row.changed_at,
    )  # fmt: skip
