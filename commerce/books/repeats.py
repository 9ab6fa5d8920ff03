"""Requests that may come twice: the key of the first one, and what was answered to it.

Claim and answer stand in the transaction that does what was asked: never one without the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import kept_answers

KEPT_MS: Final = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class KeyReused:
    """Refusal: the key came before with another request."""

    key: str


async def claim(
    tx: AsyncConnection, actor: str, key: str, fingerprint: str, now_ms: int
) -> str | KeyReused | None:
    """None when the key is new and now the caller's, who then has to `keep` an answer; else the answer kept.

    Of two that come at once the second waits until the first has committed, and finds its answer.
    """
    await tx.execute(delete(kept_answers).where(kept_answers.c.at < now_ms - KEPT_MS))
    insert = postgresql_insert if tx.dialect.name == "postgresql" else sqlite_insert
    row = insert(kept_answers).values(actor=actor, key=key, fingerprint=fingerprint, body="", at=now_ms)
    claimed = await tx.execute(row.on_conflict_do_nothing())
    if claimed.rowcount == 1:
        return None
    found = (await tx.execute(select(kept_answers).where(*_named(actor, key)))).one()
    return str(found.body) if found.fingerprint == fingerprint else KeyReused(key)


async def keep(tx: AsyncConnection, actor: str, key: str, body: str) -> None:
    """What is answered to the request that claimed the key."""
    await tx.execute(update(kept_answers).where(*_named(actor, key)).values(body=body))


def _named(actor: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return (kept_answers.c.actor == actor, kept_answers.c.key == key)
