"""The books as an open database: SQLite (WAL) or PostgreSQL, by URL.

A transaction is a connection; every function of this package takes one, so that a caller decides what happens
together. On SQLite `begin` takes the write lock at once (a later upgrade from reader to writer could fail).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from commerce.books.keyring import Keyring, open_keyring
from commerce.books.migrate import migrate

BUSY_TIMEOUT_MS: Final = 10_000
POOL_SIZE: Final = 5
PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a commit outlives a power cut: a webhook is answered only after it
    "foreign_keys=ON",
    "secure_delete=ON",  # an erased key is overwritten, not only unlinked
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)


@dataclass(frozen=True)
class Books:
    """The open books: transactions, and the key that wraps the keys of persons."""

    engine: AsyncEngine
    keyring: Keyring

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes; committed at the end, rolled back by an exception."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that reads; waits for no writer."""
        async with self.engine.connect() as connection:
            await connection.execution_options(reads_only=True)
            yield connection

    async def forget_old_pages(self) -> None:
        """Have the database let go of what was overwritten: SQLite's log, PostgreSQL's dead rows."""
        if self.engine.dialect.name == "postgresql":
            async with self.engine.connect() as connection:
                alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
                await alone.exec_driver_sql("VACUUM persons, contacts")
        if self.engine.dialect.name == "sqlite":
            async with self.engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()

    async def close(self) -> None:
        await self.engine.dispose()


async def open_books(url: str, persons_key: Path) -> Books:
    """Open the books, bring their schema up to date and read (or make) the master key of persons.

    `url` is a SQLAlchemy URL with an async driver (`sqlite+aiosqlite:///…`, `postgresql+asyncpg://…`).
    """
    engine = make_engine(url)
    await migrate(engine)
    return Books(engine, await open_keyring(persons_key))


def make_engine(url: str) -> AsyncEngine:
    """An engine with our habits; raises ValueError for another database than the two we test."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        engine = create_async_engine(parsed, pool_size=POOL_SIZE)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql+asyncpg":
        return create_async_engine(parsed, pool_size=POOL_SIZE, pool_pre_ping=True)
    raise ValueError(f"DATABASE_URL: {parsed.drivername} is neither sqlite+aiosqlite nor postgresql+asyncpg")


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
