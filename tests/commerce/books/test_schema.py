"""The schema: made from nothing by migrations, equal to the tables, safe when processes start together."""

import asyncio
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.engine import Connection

from commerce.books import Books, open_books
from commerce.books.tables import metadata


def differences(connection: Connection) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_migrations_from_nothing_make_the_tables_as_the_code_knows_them(books: Books) -> None:
    async with books.begin() as tx:
        assert await tx.run_sync(differences) == []


async def test_processes_that_start_together_bring_one_schema_about(
    database_url: str, tmp_path: Path
) -> None:
    opened = await asyncio.gather(*(open_books(database_url, tmp_path / "persons.key") for _ in range(3)))
    assert len({books.keyring.master for books in opened}) == 1
    for books in opened:
        async with books.read() as tx:
            assert await tx.scalar(text("SELECT count(*) FROM alembic_version")) == 1
        await books.close()


async def test_opening_again_changes_nothing(books: Books, database_url: str, tmp_path: Path) -> None:
    again = await open_books(database_url, tmp_path / "persons.key")
    async with again.begin() as tx:
        assert await tx.run_sync(differences) == []
    await again.close()
