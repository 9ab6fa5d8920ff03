"""How far the log of a show is in the books. Moves in the bookings' own transaction: each is made once."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import archived


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
