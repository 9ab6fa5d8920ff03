"""Contacts on their way into the books: all that wait at the moment go in one transaction.

In a flash sale hundreds of buyers order in the same moment; a commit for each would make the disk
the slowest of all. A caller goes on only when its contact is committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from commerce.api.problems import Problem
from commerce.books import Books
from commerce.books.persons import Contact, store_contacts

AT_ONCE: Final = 256
MOST_WAITING: Final = 10_000
BOOKS_AWAY: Final = (OperationalError, InterfaceError, PoolTimeout, OSError)  # of whatever is to be written
REMEMBERED_SECONDS: Final = 30.0
MOST_REMEMBERED: Final = 10_000


class Waiting(NamedTuple):
    """A contact and who waits for its id."""

    buyer: str
    contact: Contact
    stored: asyncio.Future[str]


class Stored(NamedTuple):
    """A contact stored lately (monotonic seconds)."""

    contact: Contact
    id: str
    at: float


class Contacts:
    """Stores contacts in batches. `aclose` lets those under way finish."""

    def __init__(self, books: Books, now_ms: Callable[[], int]) -> None:
        self._books, self._now_ms = books, now_ms
        self._waiting: list[Waiting] = []
        self._lately: dict[str, Stored] = {}
        self._writer: asyncio.Task[None] | None = None

    async def store(self, buyer: str, contact: Contact) -> str:
        """The id of the contact, once it is committed. Raises Busy when too many wait.

        A buyer who orders again within half a minute with the same contact gets the same id.
        """
        known = self._lately.get(buyer)
        now = time.monotonic()
        if known is not None and known.contact == contact and now - known.at < REMEMBERED_SECONDS:
            return known.id
        made = await self._store_soon(buyer, contact)
        self._lately.pop(buyer, None)
        self._lately[buyer] = Stored(contact, made, now)
        if len(self._lately) > MOST_REMEMBERED:
            del self._lately[next(iter(self._lately))]
        return made

    def forget(self, buyer: str) -> None:
        """The buyer was erased: the next contact is sealed anew."""
        self._lately.pop(buyer, None)

    async def _store_soon(self, buyer: str, contact: Contact) -> str:
        if len(self._waiting) >= MOST_WAITING:
            raise Problem("Busy", "Too many orders wait for the books")
        stored: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(buyer, contact, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="contacts")
        return await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._store(batch)
            except Exception as wrong:
                if isinstance(wrong, BOOKS_AWAY):  # else each who came meanwhile waits as long once more
                    batch, self._waiting = batch + self._waiting, []
                for one in batch:
                    if not one.stored.done():
                        one.stored.set_exception(wrong)

    async def _store(self, batch: list[Waiting]) -> None:
        told = [(one.buyer, one.contact) for one in batch]
        async with self._books.begin() as tx:
            ids = await store_contacts(tx, self._books.keyring, told, self._now_ms())
        for one, made in zip(batch, ids, strict=True):
            if not one.stored.done():
                one.stored.set_result(made)

    async def aclose(self) -> None:
        """Wait for what is being written."""
        if self._writer is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._writer
