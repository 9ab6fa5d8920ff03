"""Agents that were paired with a studio, and the credentials with which they ask for publish tokens.

A credential is renewed each time it is used, and kept as a digest. The one before still counts until the
new one was used: an answer that got lost shuts nobody out. Whoever uses an older one has stolen it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import new_id
from commerce.books.schedule import Studio
from commerce.books.tables import studio_pairings, studios

IDLE_MS: Final = 60 * 86_400_000  # an agent that was away for longer has to be paired anew
CREDENTIAL_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Pairing:
    """An agent that may publish for a studio."""

    id: str
    studio: str
    agent: str
    created_at: int
    renewed_at: int


@dataclass(frozen=True, slots=True)
class Renewed:
    """A pairing that holds, with the credential to use next time."""

    pairing: str
    studio: Studio
    credential: str


async def add_pairing(
    tx: AsyncConnection, studio: str, agent: str, paired_by: str, now_ms: int
) -> tuple[str, str]:
    """Pair an agent with a studio; gives the pairing's id and its first credential."""
    made, credential = new_id("pg"), secrets.token_urlsafe(CREDENTIAL_BYTES)
    await tx.execute(
        insert(studio_pairings).values(
            id=made, studio_id=studio, agent=agent, digest=_digest(credential), paired_by=paired_by,
            created_at=now_ms, renewed_at=now_ms,
        )
    )  # fmt: skip
    return made, credential


async def renew_pairing(tx: AsyncConnection, credential: str, now_ms: int) -> Renewed | None:
    """The pairing of a credential, which is replaced; None when it is unknown, revoked or too old."""
    digest = _digest(credential)
    query = (
        select(studio_pairings, studios.c.merchant_id, studios.c.name, studios.c.generation)
        .join(studios)
        .where(
            or_(studio_pairings.c.digest == digest, studio_pairings.c.former == digest),
            studio_pairings.c.revoked_at.is_(None),
            studio_pairings.c.renewed_at > now_ms - IDLE_MS,
        )
    )
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        return None
    fresh = secrets.token_urlsafe(CREDENTIAL_BYTES)
    changed = await tx.execute(
        update(studio_pairings)
        .where(studio_pairings.c.id == row.id, studio_pairings.c.digest == row.digest)
        .values(digest=_digest(fresh), former=digest, renewed_at=now_ms)
    )
    studio = Studio(row.studio_id, row.merchant_id, row.name, row.generation)
    return Renewed(row.id, studio, fresh) if changed.rowcount == 1 else None


async def pairings_of(tx: AsyncConnection, merchant: str) -> list[Pairing]:
    """The pairings of a merchant's studios that hold, oldest first."""
    found = await tx.execute(
        select(studio_pairings)
        .join(studios)
        .where(studios.c.merchant_id == merchant, studio_pairings.c.revoked_at.is_(None))
        .order_by(studio_pairings.c.created_at, studio_pairings.c.id)
    )
    return [Pairing(row.id, row.studio_id, row.agent, row.created_at, row.renewed_at) for row in found]


def _digest(credential: str) -> str:
    return hashlib.sha256(credential.encode()).hexdigest()
