"""How far the log of a show is in the books. Moves in the bookings' own transaction: each is made once."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import archived, shows

TAIL_MS: Final = 86_400_000  # a refund may be decided in the log after the end of its show
MOST_SHOWS: Final = 1_000


class Archived(NamedTuple):
    """The last commit that is booked: its version (0: none) and the desk that wrote it."""

    version: int
    by: str


class Overtaken(Exception):
    """Another archivist has booked this show meanwhile: begin again from where it is."""


async def archived_to(tx: AsyncConnection, show: str) -> Archived:
    """Where the books are in the show's log."""
    row = (await tx.execute(select(archived).where(archived.c.show_id == show))).one_or_none()
    return Archived(0, "") if row is None else Archived(row.version, row.written_by)


async def unfinished(tx: AsyncConnection, now_ms: int) -> dict[str, int]:
    """Shows that have not closed, or did so within a day, and how far each is booked (0: not at all)."""
    version = func.coalesce(archived.c.version, 0).label("version")
    lately = shows.c.closed_at > now_ms - TAIL_MS
    found = await tx.execute(
        select(shows.c.id, version)
        .outerjoin(archived, archived.c.show_id == shows.c.id)
        .where((shows.c.state != "closed") | lately)
        .limit(MOST_SHOWS)
    )
    return {row.id: int(row.version) for row in found}


async def note_archived(
    tx: AsyncConnection, show: str, before: Archived, after: Archived, now_ms: int
) -> None:
    """Move from one commit to a later one. Raises Overtaken, which rolls the bookings back."""
    values = {"version": after.version, "written_by": after.by, "at": now_ms}
    if before.version == 0 and (await archived_to(tx, show)).version == 0:
        await tx.execute(insert(archived).values(show_id=show, **values))
        return
    moved = await tx.execute(
        update(archived)
        .where(archived.c.show_id == show, archived.c.version == before.version)
        .values(**values)
    )
    if moved.rowcount != 1:
        raise Overtaken(show)
