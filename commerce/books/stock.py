"""Where goods are. Stock leaves one place before it arrives in the other, in one move, once for each key.

    outside → shelf → allotment:A → show:S → sold → (a return) shelf
                          ↓            ↓
                        shelf        shelf

`allotment:A` holds what SQL granted and the show's log has not been seen to have. Every place but `outside`
(the rest of the world) is at or above zero: the database itself refuses to go below.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import new_id
from commerce.books.tables import allotments, stock, stock_moves

OUTSIDE: Final = "outside"
SHELF: Final = "shelf"
SOLD: Final = "sold"


def at_show(show: str) -> str:
    """The place of what a show's log has been seen to have."""
    return f"show:{show}"


def in_allotment(allotment: str) -> str:
    """The place of what is on its way to a show."""
    return f"allotment:{allotment}"


@dataclass(frozen=True, slots=True)
class Move:
    """`units` of a SKU from one place to another; `key` makes it happen once."""

    key: str
    sku: str
    source: str
    target: str
    units: int


@dataclass(frozen=True, slots=True)
class NotEnoughStock:
    """Refusal: the place it should leave has fewer."""

    sku: str
    wanted: int
    there: int


@dataclass(frozen=True, slots=True)
class Allotment:
    """Stock granted to a show. `state`: granted · archived (the log has it) · withdrawn."""

    id: str
    show: str
    sku: str
    units: int
    state: str


async def move(tx: AsyncConnection, step: Move, now_ms: int) -> NotEnoughStock | None:
    """Make the move unless its key was used. A refusal leaves everything as it was."""
    return await move_all(tx, [step], now_ms)


async def move_all(tx: AsyncConnection, steps: Sequence[Move], now_ms: int) -> NotEnoughStock | None:
    """Make the moves whose keys are new. After a refusal of one of several, roll back."""
    keys = [step.key for step in steps]
    known = set(await tx.scalars(select(stock_moves.c.key).where(stock_moves.c.key.in_(keys))))
    new = [step for step in steps if step.key not in known]
    sums: Counter[tuple[str, str, str]] = Counter()
    for step in new:
        sums[step.sku, step.source, step.target] += step.units
    for (sku, source, target), units in sums.items():
        if source == OUTSIDE:
            await _put(tx, sku, OUTSIDE, -units)
        elif not await _take(tx, sku, source, units):
            return NotEnoughStock(sku, units, await units_at(tx, sku, source))
        await _put(tx, sku, target, units)
    if new:
        await tx.execute(stock_moves.insert(), [{**asdict(step), "at": now_ms} for step in new])
    return None


async def units_at(tx: AsyncConnection, sku: str, place: str) -> int:
    """How many of the SKU are there."""
    query = select(stock.c.units).where(stock.c.sku == sku, stock.c.place == place)
    return await tx.scalar(query) or 0


async def _take(tx: AsyncConnection, sku: str, place: str, units: int) -> bool:
    taken = await tx.execute(
        update(stock)
        .where(stock.c.sku == sku, stock.c.place == place, stock.c.units >= units)
        .values(units=stock.c.units - units)
    )
    return taken.rowcount == 1


async def _put(tx: AsyncConnection, sku: str, place: str, units: int) -> None:
    insert = postgresql_insert if tx.dialect.name == "postgresql" else sqlite_insert
    row = insert(stock).values(sku=sku, place=place, units=units)
    await tx.execute(
        row.on_conflict_do_update(
            index_elements=[stock.c.sku, stock.c.place], set_={"units": stock.c.units + row.excluded.units}
        )
    )


# -- allotments -------------------------------------------------------------------------------------


async def grant(
    tx: AsyncConnection, show: str, units_of: Mapping[str, int], key: str, now_ms: int
) -> list[Allotment] | NotEnoughStock:
    """Grant stock to a show: all SKUs of `units_of`, or none (roll back on a refusal).

    `key` names the occasion (`opening`, or the rundown change's idempotency key): the same key gives the
    same allotments again. Then send `AllotStock` for each; the reconciler repeats it until the log has it.
    """
    granted = []
    for sku, units in sorted(units_of.items()):
        if units > 0:
            one = await _grant_one(tx, show, sku, units, key=f"{show}/{key}/{sku}", now_ms=now_ms)
            if isinstance(one, NotEnoughStock):
                return one
            granted.append(one)
    return granted


async def _grant_one(
    tx: AsyncConnection, show: str, sku: str, units: int, *, key: str, now_ms: int
) -> Allotment | NotEnoughStock:
    row = (await tx.execute(select(allotments).where(allotments.c.key == key))).one_or_none()
    if row is not None:
        return Allotment(row.id, row.show_id, row.sku, row.units, row.state)
    made = Allotment(new_id("al"), show, sku, units, "granted")
    short = await move(tx, Move(f"grant:{made.id}", sku, SHELF, in_allotment(made.id), units), now_ms)
    if short is not None:
        return short
    await tx.execute(
        allotments.insert().values(
            id=made.id, show_id=show, sku=sku, key=key, units=units, returned=0, state="granted",
            granted_at=now_ms,
        )
    )  # fmt: skip
    return made


async def find_allotment(tx: AsyncConnection, allotment: str) -> Allotment | None:
    """The allotment, if the books granted it."""
    row = (await tx.execute(select(allotments).where(allotments.c.id == allotment))).one_or_none()
    return None if row is None else Allotment(row.id, row.show_id, row.sku, row.units, row.state)


async def skus_at(tx: AsyncConnection, place: str) -> set[str]:
    """The SKUs of which any unit ever was there."""
    return set(await tx.scalars(select(stock.c.sku).where(stock.c.place == place)))


async def unarchived_allotments(tx: AsyncConnection, granted_before_ms: int, most: int) -> list[Allotment]:
    """Allotments that no log has been seen to have, granted before that time: to be sent again."""
    found = await tx.execute(
        select(allotments)
        .where(allotments.c.state == "granted", allotments.c.granted_at < granted_before_ms)
        .order_by(allotments.c.granted_at)
        .limit(most)
    )
    return [Allotment(row.id, row.show_id, row.sku, row.units, row.state) for row in found]


async def archive_allotment(tx: AsyncConnection, allotment: str, now_ms: int) -> None:
    """The log has it: the stock arrives at the show. The archivist calls this, once or again."""
    row = (await tx.execute(select(allotments).where(allotments.c.id == allotment))).one()
    place = in_allotment(allotment)
    step = Move(f"archive:{allotment}", row.sku, place, at_show(row.show_id), row.units)
    _must(await move(tx, step, now_ms))
    await tx.execute(update(allotments).where(allotments.c.id == allotment).values(state="archived"))


async def withdraw_allotment(tx: AsyncConnection, allotment: str, now_ms: int) -> None:
    """The show was over before the log had it: back to the shelf, if it is still on its way."""
    row = (await tx.execute(select(allotments).where(allotments.c.id == allotment))).one()
    if row.state == "granted":
        step = Move(f"withdraw:{allotment}", row.sku, in_allotment(allotment), SHELF, row.units)
        _must(await move(tx, step, now_ms))
        await tx.execute(update(allotments).where(allotments.c.id == allotment).values(state="withdrawn"))


async def take_back(tx: AsyncConnection, allotment: str, units: int, key: str, now_ms: int) -> None:
    """The log gave `units` of an allotment back (StockReturned): from the show to the shelf."""
    row = (await tx.execute(select(allotments).where(allotments.c.id == allotment))).one()
    if units and not await tx.scalar(select(func.count()).where(stock_moves.c.key == key)):
        _must(await move(tx, Move(key, row.sku, at_show(row.show_id), SHELF, units), now_ms))
        await tx.execute(
            update(allotments)
            .where(allotments.c.id == allotment)
            .values(returned=allotments.c.returned + units)
        )


class StockAstray(Exception):
    """The log tells of stock that the books never had there: somebody has to look."""


def _must(refused: NotEnoughStock | None) -> None:
    if refused is not None:
        raise StockAstray(str(refused))
