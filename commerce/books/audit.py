"""The trail of privileged acts: who of the staff did what to what, and when. Only ever added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Select, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import accounts, audit

MOST_ACTS: Final = 50
STAFF: Final = "staff:"


@dataclass(frozen=True, slots=True)
class Act:
    """One act; `name` and `merchant` are those of the actor's account, None where it has none."""

    number: int
    actor: str
    name: str | None
    merchant: str | None
    act: str
    subject: str
    details: Mapping[str, Any]
    at: int


class Line(NamedTuple):
    """An act to be written down; `details` as in `note_act`."""

    actor: str
    act: str
    subject: str
    details: Mapping[str, Any]
    at: int


async def note_acts(tx: AsyncConnection, lines: Sequence[Line]) -> None:
    """Write acts down in their order."""
    if lines:
        await tx.execute(insert(audit), [{**line._asdict(), "details": dict(line.details)} for line in lines])


async def note_act(
    tx: AsyncConnection, actor: str, act: str, subject: str, *, details: Mapping[str, Any], now_ms: int
) -> None:
    """Write an act down. `details` are plain values; never a password, a token or a person's data."""
    await note_acts(tx, [Line(actor, act, subject, details, now_ms)])


async def list_acts(
    tx: AsyncConnection,
    *,
    name: str | None = None,
    act: str | None = None,
    subject: str | None = None,
    before: int | None = None,
) -> list[Act]:
    """Up to 50 acts, newest first, numbered below `before`; by the actor's name, the act, the subject."""
    query = _acts().order_by(audit.c.id.desc()).limit(MOST_ACTS)
    wanted = ((accounts.c.name, name), (audit.c.act, act), (audit.c.subject, subject))
    for column, value in wanted:
        query = query if value is None else query.where(column == value)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [Act(*row) for row in await tx.execute(query)]


def _acts() -> Select[Any]:
    is_actors = audit.c.actor == literal(STAFF) + accounts.c.id
    return select(
        audit.c.id, audit.c.actor, accounts.c.name, accounts.c.merchant_id, audit.c.act, audit.c.subject,
        audit.c.details, audit.c.at,
    ).outerjoin(accounts, is_actors)  # fmt: skip
