"""What the books may forget: persons three years after their last order, and what nobody needs any more.

Three years from the end of a transaction is what has to be kept (SAMR/CAC Order 117); then the key of a
person is destroyed. Orders, postings and the chain of records hold ids and amounts alone and stay, so that
the books balance and the chain verifies for ever. `python -m commerce.books.retention` does it once; the
effects do it every hour.
"""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.audit import note_act
from commerce.books.database import Books, open_books
from commerce.books.persons import empty_contacts, erase_persons
from commerce.books.tables import contacts, mails, orders, payment_messages, persons
from commerce.settings import absolute, database_url, load, setting

DAY_MS: Final = 86_400_000
KEPT_MS: Final = (3 * 365 + 1) * DAY_MS  # three years, whichever of them is a leap year
UNNAMED_MS: Final = 60 * DAY_MS  # a payment is asked about for 30 days: no order will name this contact
AT_ONCE: Final = 500
MOST_ROUNDS: Final = 200
ACTOR: Final = "retention"
PERSONS_KEY_FILE: Final = "persons.key"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many persons, contacts that no order names, exchanges with firms, and mails were let go."""

    persons: int = 0
    contacts: int = 0
    messages: int = 0
    mails: int = 0


async def forget_what_is_due(books: Books, now_ms: int) -> Forgotten:
    """Forget all that is past its time; what was forgotten goes into the audit trail. Safe to repeat."""
    counts = {name: 0 for name in STEPS}
    for name, step in STEPS.items():
        for _ in range(MOST_ROUNDS):
            async with books.begin() as tx:
                done = await step(tx, now_ms)
            counts[name] += done
            if done < AT_ONCE:
                break
    forgotten = Forgotten(**counts)
    if forgotten != Forgotten():
        await books.forget_old_pages()
        async with books.begin() as tx:
            await note_act(tx, ACTOR, "Forget", "books", details=asdict(forgotten), now_ms=now_ms)
    return forgotten


async def _persons(tx: AsyncConnection, now_ms: int) -> int:
    """Persons all of whose contacts and orders are past their time. Staff have no contacts: theirs stay."""
    cutoff = now_ms - KEPT_MS
    of_person = contacts.c.person_id == persons.c.id
    lately = select(contacts.c.id).where(of_person, contacts.c.created_at >= cutoff).exists()
    ordered = (
        select(orders.c.id).where(orders.c.buyer_id == persons.c.id, orders.c.changed_at >= cutoff).exists()
    )
    known = select(contacts.c.id).where(of_person).exists()
    query = select(persons.c.id).where(persons.c.wrapped_key.is_not(None), known, ~lately, ~ordered)
    due = list(await tx.scalars(query.limit(AT_ONCE)))
    return await erase_persons(tx, due, now_ms) if due else 0


async def _contacts(tx: AsyncConnection, now_ms: int) -> int:
    """Contacts of orders that were refused, lapsed or never paid."""
    named = select(orders.c.id).where(orders.c.contact_id == contacts.c.id).exists()
    old = contacts.c.created_at < now_ms - UNNAMED_MS
    due = list(
        await tx.scalars(select(contacts.c.id).where(old, contacts.c.sealed != b"", ~named).limit(AT_ONCE))
    )
    if due:
        await empty_contacts(tx, due)
    return len(due)


async def _messages(tx: AsyncConnection, now_ms: int) -> int:
    """What was said to firms: it may name a payer."""
    old = payment_messages.c.at < now_ms - KEPT_MS
    query = select(payment_messages.c.id).where(old, payment_messages.c.request != b"").limit(AT_ONCE)
    due = list(await tx.scalars(query))
    if due:
        here = payment_messages.c.id.in_(due)
        await tx.execute(update(payment_messages).where(here).values(request=b"", response=b""))
    return len(due)


async def _mails(tx: AsyncConnection, now_ms: int) -> int:
    """Mails that were sent or dropped long ago."""
    old = (mails.c.changed_at < now_ms - UNNAMED_MS) & (mails.c.state != "due")
    due = list(await tx.scalars(select(mails.c.id).where(old).limit(AT_ONCE)))
    if due:
        await tx.execute(delete(mails).where(mails.c.id.in_(due)))
    return len(due)


STEPS: Final = {"persons": _persons, "contacts": _contacts, "messages": _messages, "mails": _mails}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """Where the books are."""

    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")
    keys_dir: Path = setting("KEYS_DIR", absolute, "{var}/keys")


async def _run(wanted: RetentionSettings) -> int:
    try:
        books = await open_books(wanted.database_url, wanted.keys_dir / PERSONS_KEY_FILE)
    except (DBAPIError, OSError, ValueError) as why:
        print(f"Cannot forget: {why}".partition("\n")[0], file=sys.stderr)  # noqa: T201  one sentence, no more
        return 2
    try:
        forgotten = await forget_what_is_due(books, int(time.time() * 1000))
    finally:
        await books.close()
    said = ", ".join(f"{name} {count}" for name, count in asdict(forgotten).items())
    print(f"Forgotten: {said}.")  # noqa: T201  what the command is for
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_run(load(RetentionSettings, os.environ))))
