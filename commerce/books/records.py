"""What has to be kept three years (SAMR/CAC Order 117): one hash chain for each show.

Each record is hashed with the hash before it, so a changed, dropped or inserted record shows at the next;
that the end was not cut off is seen by comparing with orders and refunds (`verify`). Records hold ids and
amounts, no person.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import records

GENESIS: Final = "0" * 64


class Break(NamedTuple):
    """The first record of a chain that does not fit, and why."""

    chain: str
    number: int
    why: str


class Said(NamedTuple):
    """One record to be kept: its kind, what it says, and when that was."""

    kind: str
    body: Mapping[str, Any]
    at: int


async def keep_record(
    tx: AsyncConnection, show: str, kind: str, body: Mapping[str, Any], now_ms: int
) -> None:
    """Add a record to the show's chain, in the transaction of what it tells."""
    await keep_records(tx, show, [Said(kind, body, now_ms)])


async def keep_records(tx: AsyncConnection, show: str, said: Sequence[Said]) -> None:
    """Add records to the show's chain, in their order."""
    chain = f"show:{show}"
    if tx.dialect.name == "postgresql":  # SQLite has one writer anyway
        await tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(chain))))
    newest = select(records.c.number, records.c.hash).where(records.c.chain == chain)
    last = (await tx.execute(newest.order_by(records.c.number.desc()).limit(1))).one_or_none()
    number, previous = (last.number, last.hash) if last else (0, GENESIS)
    rows = []
    for kind, body, at in said:
        number += 1
        text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        hashed = digest(previous, number, kind, text, at)
        rows.append(
            {
                "chain": chain, "number": number, "kind": kind, "body": text, "at": at,
                "previous": previous, "hash": hashed,
            }
        )  # fmt: skip
        previous = hashed
    if rows:
        await tx.execute(insert(records), rows)


def digest(previous: str, number: int, kind: str, body: str, at: int) -> str:
    """SHA-256 over the record and the hash before it; fields are parted by what none of them holds."""
    said = "\n".join((previous, str(number), kind, str(at), body))
    return hashlib.sha256(said.encode()).hexdigest()


async def first_breaks(tx: AsyncConnection) -> list[Break]:
    """The first break of every chain that has one."""
    found: dict[str, Break] = {}
    last: dict[str, tuple[int, str]] = {}
    rows = await tx.stream(select(records).order_by(records.c.chain, records.c.number))
    async for row in rows:
        number, previous = last.get(row.chain, (0, GENESIS))
        why = None
        if row.number != number + 1:
            why = f"record {number + 1} is missing"
        elif row.previous != previous:
            why = "does not name the hash before it"
        elif row.hash != digest(row.previous, row.number, row.kind, row.body, row.at):
            why = "was changed"
        if why:
            found.setdefault(row.chain, Break(row.chain, row.number, why))
        last[row.chain] = (row.number, row.hash)
    return list(found.values())
