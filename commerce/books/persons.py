"""Contacts of persons: sealed, masked for staff, read in full only with a purpose that is written down.

A person is a buyer id; its contacts are sealed under one key. `erase` destroys the key: every contact of the
person, in every copy of the books made from now on, is noise. Ids stay, so the amounts of orders stay true.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Update, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.database import Books
from commerce.books.ids import new_id
from commerce.books.keyring import Keyring, seal, unseal
from commerce.books.tables import contact_reads, contacts, persons

SHOWN_OF_PHONE = 4
SHOWN_OF_ADDRESS = 6


@dataclass(frozen=True, slots=True)
class Contact:
    """Where goods go. Never logged, never in the show's log."""

    name: str
    phone: str
    address: str
    email: str = ""
    language: str = "en"  # in which they want to be written to


@dataclass(frozen=True, slots=True)
class Erased:
    """Refusal: the person was erased; nobody can read this contact."""

    contact: str


async def store_contact(
    tx: AsyncConnection, keyring: Keyring, person: str, contact: Contact, now_ms: int
) -> str:
    """Seal a contact of a person (a buyer id) and give its id, which may go into the log.

    A person who was erased and comes back gets a new key; what was sealed before stays unreadable.
    """
    key = await key_for(tx, keyring, person, now_ms)
    made = new_id("ct")
    await tx.execute(
        insert(contacts).values(
            id=made,
            person_id=person,
            sealed=seal(key, _plain(contact), made),
            reachable=bool(contact.email),
            created_at=now_ms,
        )
    )
    return made


async def store_contacts(
    tx: AsyncConnection, keyring: Keyring, told: Sequence[tuple[str, Contact]], now_ms: int
) -> list[str]:
    """`store_contact` for many (person, contact) at once: one reading of keys, one writing of rows."""
    wanted = {person for person, _ in told}
    found = await tx.execute(select(persons.c.id, persons.c.wrapped_key).where(persons.c.id.in_(wanted)))
    keys = {row.id: keyring.unwrap(row.id, row.wrapped_key) for row in found if row.wrapped_key is not None}
    for person in sorted(wanted - keys.keys()):
        keys[person] = await _make_key(tx, keyring, person, now_ms)
    rows: list[dict[str, Any]] = []
    for person, contact in told:
        made = new_id("ct")
        sealed = seal(keys[person], _plain(contact), made)
        known = {"id": made, "person_id": person, "created_at": now_ms, "reachable": bool(contact.email)}
        rows.append({**known, "sealed": sealed})
    if rows:
        await tx.execute(insert(contacts), rows)
    return [str(row["id"]) for row in rows]


def _plain(contact: Contact) -> bytes:
    return json.dumps(asdict(contact), ensure_ascii=False).encode()


async def own_contact(tx: AsyncConnection, keyring: Keyring, contact: str, person: str) -> Contact | None:
    """The contact in full for the person whose it is (no log entry: people may read themselves)."""
    found = await _open(tx, keyring, contact, person)
    return found if isinstance(found, Contact) else None


async def masked_contact(tx: AsyncConnection, keyring: Keyring, contact: str) -> Contact | None:
    """What staff see: 'L·', '…4567', 'Almaty…'. None when unknown or erased."""
    found = await _open(tx, keyring, contact, None)
    return mask(found) if isinstance(found, Contact) else None


async def full_contact(
    tx: AsyncConnection, keyring: Keyring, contact: str, *, reader: str, purpose: str, now_ms: int
) -> Contact | Erased | None:
    """The contact in full; the read, its reader (account id) and purpose are logged with it.

    The caller has checked that the reader may: an order of the reader's merchant carries this contact.
    """
    found = await _open(tx, keyring, contact, None)
    if isinstance(found, Contact):
        await tx.execute(
            insert(contact_reads).values(contact_id=contact, reader=reader, purpose=purpose, at=now_ms)
        )
    return found


async def erase_person(books: Books, person: str, now_ms: int) -> bool:
    """Destroy the person's key; True if there was one. On SQLite the old pages leave the WAL at once too."""
    async with books.begin() as tx:
        erased = await erase_persons(tx, [person], now_ms)
    if erased:
        await books.forget_old_pages()
    return erased == 1


def _emptied() -> Update:
    return update(contacts).values(sealed=b"", reachable=False)


async def erase_persons(tx: AsyncConnection, these: Sequence[str], now_ms: int) -> int:
    """Destroy the keys of these persons; how many there were. The caller has old pages forgotten."""
    erased = await tx.execute(
        update(persons)
        .where(persons.c.id.in_(these), persons.c.wrapped_key.is_not(None))
        .values(wrapped_key=None, erased_at=now_ms)
    )
    await tx.execute(_emptied().where(contacts.c.person_id.in_(these)))
    return erased.rowcount


async def empty_contacts(tx: AsyncConnection, these: Sequence[str]) -> None:
    """Nobody needs these contacts any more."""
    await tx.execute(_emptied().where(contacts.c.id.in_(these)))


@dataclass(frozen=True, slots=True)
class Read:
    """Somebody read a contact in full."""

    id: int
    contact: str
    person: str
    reader: str
    purpose: str
    at: int


async def reads_of_contacts(tx: AsyncConnection, before: int | None, most: int) -> list[Read]:
    """Who read whose contact in full, and for what; the newest first, older than the read `before`."""
    query = select(contact_reads, contacts.c.person_id).join(
        contacts, contacts.c.id == contact_reads.c.contact_id
    )
    if before is not None:
        query = query.where(contact_reads.c.id < before)
    found = await tx.execute(query.order_by(contact_reads.c.id.desc()).limit(most))
    return [Read(row.id, row.contact_id, row.person_id, row.reader, row.purpose, row.at) for row in found]


def mask(contact: Contact) -> Contact:
    """A contact that says enough to tell two apart and too little to reach somebody."""
    digits = "".join(filter(str.isdigit, contact.phone))
    return Contact(
        name=f"{contact.name[:1]}·",
        phone=f"…{digits[-SHOWN_OF_PHONE:]}" if len(digits) > 2 * SHOWN_OF_PHONE else "…",
        address=f"{contact.address[:SHOWN_OF_ADDRESS]}…",
        email=f"{contact.email[:1]}…@…" if contact.email else "",
        language=contact.language,
    )


async def key_for(tx: AsyncConnection, keyring: Keyring, person: str, now_ms: int) -> bytes:
    """The person's key, made where there is none."""
    return await key_of(tx, keyring, person) or await _make_key(tx, keyring, person, now_ms)


async def key_of(tx: AsyncConnection, keyring: Keyring, person: str) -> bytes | None:
    """The person's key; None for a person who is unknown or erased."""
    wrapped = await tx.scalar(select(persons.c.wrapped_key).where(persons.c.id == person))
    return None if wrapped is None else keyring.unwrap(person, wrapped)


async def _make_key(tx: AsyncConnection, keyring: Keyring, person: str, now_ms: int) -> bytes:
    key, wrapped = keyring.new_key(person)
    known = await tx.execute(
        update(persons).where(persons.c.id == person).values(wrapped_key=wrapped, erased_at=None)
    )
    if not known.rowcount:
        await tx.execute(insert(persons).values(id=person, wrapped_key=wrapped, created_at=now_ms))
    return key


async def _open(
    tx: AsyncConnection, keyring: Keyring, contact: str, person: str | None
) -> Contact | Erased | None:
    row = (await tx.execute(select(contacts).where(contacts.c.id == contact))).one_or_none()
    if row is None or person not in (None, row.person_id):
        return None
    key = await key_of(tx, keyring, row.person_id)
    if key is None or not row.sealed:
        return Erased(contact)
    return Contact(**json.loads(unseal(key, row.sealed, contact)))
