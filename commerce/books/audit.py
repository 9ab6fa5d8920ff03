"""The trail of privileged acts: who of the staff did what to what, and when. Only ever added to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import audit


async def note_act(
    tx: AsyncConnection, actor: str, act: str, subject: str, *, details: Mapping[str, Any], now_ms: int
) -> None:
    """Write an act down. `details` are plain values; never a password, a token or a person's data."""
    await tx.execute(
        insert(audit).values(actor=actor, act=act, subject=subject, details=dict(details), at=now_ms)
    )
