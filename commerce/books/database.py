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
CONNECT_SECONDS: Final = 10.0
TIDY_SECONDS: Final = 3_600.0  # of a large table
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
                server: Any = (await connection.get_raw_connection()).driver_connection
                await server.execute("VACUUM persons, contacts", timeout=TIDY_SECONDS)
        if self.engine.dialect.name == "sqlite":
            async with self.engine.connect() as connection:
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await (await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")).close()

    async def close(self) -> None:
        await self.engine.dispose()


async def open_books(url: str, persons_key: Path, answer_within_s: float | None = None) -> Books:
    """Open the books, bring their schema up to date and read (or make) the master key of persons.

    `url` is a SQLAlchemy URL with an async driver (`sqlite+aiosqlite:///…`, `postgresql+asyncpg://…`). A
    server that leaves a statement unanswered for `answer_within_s` is given up with TimeoutError.
    """
    hurried, patient = make_engine(url, answer_within_s), make_engine(url)
    await migrate(patient)  # which may take its time
    await patient.dispose()
    return Books(hurried, await open_keyring(persons_key))


def make_engine(url: str, answer_within_s: float | None = None) -> AsyncEngine:
    """An engine with our habits; raises ValueError for another database than the two we test.

    Without `answer_within_s` who asks a server that vanished waits for ever: it never says that it is gone.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite":
        engine = create_async_engine(parsed, pool_size=POOL_SIZE)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    if parsed.drivername == "postgresql+asyncpg":
        connect_s = min(CONNECT_SECONDS, answer_within_s or CONNECT_SECONDS)
        asked = {"timeout": connect_s, "command_timeout": answer_within_s}
        return create_async_engine(parsed, pool_size=POOL_SIZE, pool_pre_ping=True, connect_args=asked)
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
