"""The books as rows that can be kept and laid back into an empty database of either kind.

Knows the tables by their metadata alone. Persons stay sealed: what is copied is what stands there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from itertools import groupby, islice
from typing import Any, Final, TypeAlias

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.tables import metadata

Row: TypeAlias = tuple[str, dict[str, Any]]  # table, column → value
ROWS_AT_ONCE: Final = 500


class NotEmpty(Exception):
    """There are rows in these books already: what is laid back goes into empty ones."""


async def save(tx: AsyncConnection) -> AsyncIterator[Row]:
    """Every row of every table as of one moment, in an order in which foreign keys hold."""
    if tx.dialect.name == "postgresql":
        await tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    for table in metadata.sorted_tables:
        result = await tx.stream(select(table))
        async for row in result.mappings():
            yield table.name, dict(row)


async def lay_back(tx: AsyncConnection, rows: Iterable[Row]) -> int:
    """Insert the rows into migrated, empty tables; gives their number. Raises NotEmpty."""
    for table in metadata.sorted_tables:
        if await tx.scalar(select(func.count()).select_from(table)):
            raise NotEmpty
    count = 0
    for name, of_table in groupby(rows, key=lambda row: row[0]):
        while some := [values for _, values in islice(of_table, ROWS_AT_ONCE)]:
            await tx.execute(insert(metadata.tables[name]), some)
            count += len(some)
    if tx.dialect.name == "postgresql":
        await _set_counters(tx)
    return count


async def _set_counters(tx: AsyncConnection) -> None:
    """PostgreSQL counts beside the rows: go on after the highest number laid back."""
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            top = await tx.scalar(select(func.max(column)))
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            await tx.execute(select(func.setval(sequence, top or 1, top is not None)))
