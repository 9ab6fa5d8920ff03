"""Mail to buyers: due, then sent or dropped. One mail a key, whatever crashes; it never holds an address.

A mail is written down in the transaction of what it tells, and only for contacts that gave an address.
Whoever sends one claims it first, so that two who send do not send the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import contacts, mails

CLAIM_MS: Final = 60_000  # after which somebody else may try what its claimer did not finish
FIRST_WAIT_MS: Final = 30_000
LONGEST_WAIT_MS: Final = 3_600_000
NEWS_MS: Final = 3 * 86_400_000  # what is older is news to nobody


@dataclass(frozen=True, slots=True)
class Mail:
    """`kind`: placed · paid · lapsed · refund_due · refunded; `details` are titles and amounts."""

    key: str
    kind: str
    order: str
    contact: str
    details: Mapping[str, Any]
    created_at: int
    tries: int = 0
    next_try_at: int = 0


async def queue_mails(tx: AsyncConnection, wanted: Sequence[Mail]) -> int:
    """Write down mails to those who gave an address; how many are new."""
    if not wanted:
        return 0
    ids = {mail.contact for mail in wanted}
    reachable = select(contacts.c.id).where(contacts.c.id.in_(ids), contacts.c.reachable)
    there = set(await tx.scalars(reachable))
    known = set(await tx.scalars(select(mails.c.key).where(mails.c.key.in_([mail.key for mail in wanted]))))
    new = [_row(mail) for mail in wanted if mail.contact in there and mail.key not in known]
    if new:
        await tx.execute(insert(mails), new)
    return len(new)


async def due_mails(tx: AsyncConnection, now_ms: int, most: int) -> list[Mail]:
    """Mails to be sent now, those that wait longest first."""
    query = select(mails).where(mails.c.state == "due", mails.c.next_try_at <= now_ms)
    return [
        Mail(
            row.key, row.kind, row.order_id, row.contact_id, row.details, row.created_at, row.tries,
            row.next_try_at,
        )
        for row in await tx.execute(query.order_by(mails.c.next_try_at, mails.c.id).limit(most))
    ]  # fmt: skip


async def claim_mail(tx: AsyncConnection, mail: Mail, now_ms: int) -> bool:
    """Take a mail for oneself for a minute; False if somebody else has it."""
    claimed = await tx.execute(
        update(mails)
        .where(mails.c.key == mail.key, mails.c.state == "due", mails.c.next_try_at == mail.next_try_at)
        .values(next_try_at=now_ms + CLAIM_MS, tries=mail.tries + 1, changed_at=now_ms)
    )
    return claimed.rowcount == 1


async def close_mail(tx: AsyncConnection, mail: Mail, state: str, now_ms: int) -> None:
    """It was sent, or will never be (`dropped`)."""
    await tx.execute(
        update(mails).where(mails.c.key == mail.key, mails.c.state == "due").values(
            state=state, changed_at=now_ms
        )
    )  # fmt: skip


async def put_mail_off(tx: AsyncConnection, mail: Mail, now_ms: int) -> None:
    """Try again later, each time twice as late, at most an hour."""
    wait_ms = min(FIRST_WAIT_MS << min(mail.tries, 20), LONGEST_WAIT_MS)
    await tx.execute(
        update(mails).where(mails.c.key == mail.key, mails.c.state == "due").values(
            next_try_at=now_ms + wait_ms, changed_at=now_ms
        )
    )  # fmt: skip


def _row(mail: Mail) -> dict[str, Any]:
    return {
        "key": mail.key, "kind": mail.kind, "order_id": mail.order, "contact_id": mail.contact,
        "details": dict(mail.details), "state": "due", "tries": 0, "next_try_at": mail.created_at,
        "created_at": mail.created_at, "changed_at": mail.created_at,
    }  # fmt: skip
