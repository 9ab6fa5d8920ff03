"""A database that says nothing is given up after a while, and asked again as soon as it speaks."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api.contacts import AT_ONCE, Contacts
from commerce.books import Books, open_books
from commerce.books.persons import Contact
from tests.databases import Cluster, postgresql_programs

T = TypeVar("T")
HERS = Contact("Aizhan Bek", "+7 701 123 4567", "1 Abay Ave, Almaty")


@pytest.fixture
def lone_cluster() -> Iterator[Cluster]:
    """A PostgreSQL for one test, which may be left asleep."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine: make system installs it")
    cluster = Cluster(programs).start()
    yield cluster
    cluster.pause(signal.SIGCONT)
    cluster.stop()


async def ask(books: Books) -> object:
    async with books.begin() as tx:
        return await tx.scalar(text("SELECT 1"))


@pytest.mark.server
async def test_a_silent_database_is_given_up_and_asked_again(lone_cluster: Cluster, tmp_path: Path) -> None:
    books = await open_books(lone_cluster.new_url(), tmp_path / "persons.key", answer_within_s=0.5)
    contacts = Contacts(books, lambda: 1)
    try:
        assert await insist(lambda: ask(books)) == 1
        lone_cluster.pause()
        async with asyncio.timeout(60):
            with pytest.raises(TimeoutError):
                await ask(books)
            with pytest.raises(TimeoutError):
                await contacts.store("by-0", HERS)
        lone_cluster.pause(signal.SIGCONT)
        assert await insist(lambda: contacts.store("by-0", HERS))
        await insist(books.forget_old_pages)
    finally:
        await contacts.aclose()
        await books.close()


async def insist(do: Callable[[], Awaitable[T]]) -> T:
    """Until it is done: half a second is little on a busy machine."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await do()
            except TimeoutError:
                await asyncio.sleep(0.05)


class Away(Books):
    """Books that nobody reaches; the tries are counted."""

    tries = 0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        Away.tries += 1
        await asyncio.sleep(0.01)
        raise PoolTimeout
        yield


async def test_who_orders_while_the_books_are_away_waits_for_one_try_alone(sqlite_books: Books) -> None:
    contacts = Contacts(Away(sqlite_books.engine, sqlite_books.keyring), lambda: 1)
    crowd = [contacts.store(f"by-{n}", HERS) for n in range(3 * AT_ONCE)]
    told = await asyncio.gather(*crowd, return_exceptions=True)
    assert {type(one) for one in told} == {PoolTimeout}
    assert Away.tries == 1
