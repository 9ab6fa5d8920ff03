"""`python -m commerce.books.verify`: compares the logs with the books and names every difference.

Exit code 0 when there is none, 1 when there is, 2 when they cannot be compared. Reads only. A show whose log
runs on while one looks is compared at the commit that the books have reached.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.archive import archived_to
from commerce.books.checks import Difference, differences
from commerce.books.database import Books, make_engine
from commerce.books.keyring import Keyring
from commerce.books.tables import allotments, archived, order_lines, orders, stock_moves
from commerce.live.log import Log, Trimmed
from commerce.live.snapshot import Snapshots
from commerce.live.valkey import open_wire
from commerce.live.wire import Broken, Wire
from commerce.settings import database_url, load, redis_url, setting
from commerce.show.evolve import fold
from commerce.show.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifySettings:
    """Where log and books are."""

    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")


async def verify(books: Books, wire: Wire) -> list[Difference]:
    """Every difference inside the books and between them and the logs."""
    async with books.read() as tx:
        found = await differences(tx)
        shows = [row.show_id for row in await tx.execute(select(archived.c.show_id))]
    for show in sorted(shows):
        found += [difference async for difference in compare(books, wire, show)]
    return found


async def compare(books: Books, wire: Wire, show: str) -> AsyncIterator[Difference]:
    """Differences between one show's log and what is booked of it."""
    async with books.read() as tx:
        at = await archived_to(tx, show)
        try:
            state = await state_at(wire, show, at.version)
        except Trimmed as why:
            yield Difference(f"log of {show}", f"cannot be read up to version {at.version}: {why}")
            return
        if state is None:
            yield Difference(f"log of {show}", f"ends before version {at.version}, which is booked")
            return
        if state.by != at.by:
            yield Difference(f"log of {show}", f"names another writer of version {at.version}")
        for found in [*await _orders(tx, state), *await _stock(tx, state)]:
            yield found


async def state_at(wire: Wire, show: str, version: int) -> State | None:
    """The state at a version, from a snapshot that is not beyond it; None when the log ends before."""
    state = await Snapshots(wire).newest(show, remembers=False)
    if state.version > version:
        return None
    log = Log(wire)
    while state.version < version:
        commits = await log.read(show, state.version)
        if not commits:
            return None
        for commit in commits:
            if commit.version <= version:
                fold(state, commit)
    return state


async def _orders(tx: AsyncConnection, state: State) -> list[Difference]:
    rows = {row.id: row for row in await tx.execute(select(orders).where(orders.c.show_id == state.show))}
    lines: dict[str, list[tuple[str, int, int]]] = {order: [] for order in rows}
    query = select(order_lines).join(orders).where(orders.c.show_id == state.show)
    for line in await tx.execute(query.order_by(order_lines.c.number)):
        lines[line.order_id].append((line.offer_id, line.quantity, line.price))
    found = []
    for order in state.orders.values():
        row = rows.pop(order.id, None)
        if order.state != "paid":
            if row is not None:
                found.append(Difference(f"order {order.id}", f"is booked, but {order.state} in the log"))
        elif row is None:
            found.append(Difference(f"order {order.id}", "is paid in the log and not booked"))
        else:
            said = (*order.amounts, order.buyer, order.contact, order.payment)
            kept = (row.goods, row.freight, row.tax, row.discount, row.total, row.buyer_id, row.contact_id)
            if said != (*kept, row.payment_id) or lines[order.id] != [tuple(line) for line in order.lines]:
                found.append(Difference(f"order {order.id}", "differs from the log"))
    return found + [Difference(f"order {order}", "is booked, but not in the log") for order in rows]


async def _stock(tx: AsyncConnection, state: State) -> list[Difference]:
    granted = {row.id: row for row in await tx.execute(select(allotments))}
    found, known = [], set()
    for name, allotment in state.allotments.items():
        row = granted.get(name)
        if row is None:
            found.append(Difference(f"allotment {name}", "is in the log, but was never granted"))
            continue
        known.add(row.sku)
        if (row.units, row.returned, row.state) != (allotment.units, allotment.returned, "archived"):
            found.append(
                Difference(f"allotment {name}", f"is {row.state}, {row.returned} of {row.units} back")
            )
    sold: Counter[str] = Counter()
    place = f"show:{state.show}"
    query = select(stock_moves).where(stock_moves.c.source == place, stock_moves.c.target == "sold")
    for move in await tx.execute(query):
        sold[move.sku] += move.units
    return found + [
        Difference(f"stock {sku} of {state.show}", f"sold {pool.sold} in the log, {sold[sku]} in the books")
        for sku, pool in state.pools.items()
        if sku in known and pool.sold != sold[sku]
    ]


async def _run(wanted: VerifySettings) -> int:
    books = Books(make_engine(wanted.database_url), Keyring(b""))
    wire = open_wire(wanted.redis_url)
    began = time.monotonic()
    try:
        found = await verify(books, wire)
    except (Broken, DBAPIError, OSError) as why:
        print(f"Cannot compare: {why}".partition("\n")[0], file=sys.stderr)  # noqa: T201  one sentence, no more
        return 2
    finally:
        await wire.aclose()
        await books.close()
    for difference in found:
        print(f"{difference.where}: {difference.what}")  # noqa: T201  what the command is for
    seconds = time.monotonic() - began
    print(f"{len(found)} differences, {seconds:.1f} s", file=sys.stderr)  # noqa: T201  its last word
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_run(load(VerifySettings, os.environ))))
