"""Persons in the books: sealed, masked, read with a reason, and gone when erased."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from commerce.books import Books, open_books
from commerce.books.keyring import WrongKey, open_keyring, seal, unseal
from commerce.books.persons import (
    Contact,
    Erased,
    erase_person,
    full_contact,
    mask,
    masked_contact,
    own_contact,
    store_contact,
)
from commerce.books.tables import contact_reads, contacts, persons

LI = Contact("李小红", "+7 701 123 45 67", "Алматы, Достык 1")
NOW_MS = 1_800_000_000_000


def on_disk(folder: Path) -> bytes:
    """The database with its write-ahead log."""
    files = list(folder.glob("books.sqlite*"))
    assert files
    return b"".join(file.read_bytes() for file in files)


async def stored(books: Books, person: str = "by-1") -> str:
    async with books.begin() as tx:
        return await store_contact(tx, books.keyring, person, LI, NOW_MS)


async def test_the_database_never_holds_a_name_in_clear(sqlite_books: Books, tmp_path: Path) -> None:
    await stored(sqlite_books)
    await sqlite_books.forget_old_pages()
    raw = on_disk(tmp_path)
    assert all(text.encode() not in raw for text in (LI.name, LI.phone, LI.address))


async def test_staff_see_enough_to_tell_two_apart(books: Books) -> None:
    contact = await stored(books)
    async with books.read() as tx:
        seen = await masked_contact(tx, books.keyring, contact)
    assert seen == Contact("李·", "…4567", "Алматы…")


@pytest.mark.parametrize("phone", ["12345", "1", "12345678"])
def test_a_short_number_shows_nothing(phone: str) -> None:
    assert mask(Contact("A", phone, "B")).phone == "…"


async def test_reading_in_full_is_written_down(books: Books) -> None:
    contact = await stored(books)
    async with books.begin() as tx:
        read = await full_contact(
            tx, books.keyring, contact, reader="ac-1", purpose="parcel label", now_ms=NOW_MS
        )
    assert read == LI
    async with books.read() as tx:
        row = (await tx.execute(select(contact_reads))).one()
    assert (row.contact_id, row.reader, row.purpose, row.at) == (contact, "ac-1", "parcel label", NOW_MS)


async def test_only_the_person_reads_their_own_contact_unwritten(books: Books) -> None:
    contact = await stored(books)
    async with books.read() as tx:
        assert await own_contact(tx, books.keyring, contact, "by-1") == LI
        assert await own_contact(tx, books.keyring, contact, "by-2") is None


async def test_an_erased_person_is_noise_everywhere(books: Books) -> None:
    contact = await stored(books)
    assert await erase_person(books, "by-1", NOW_MS)
    assert not await erase_person(books, "by-1", NOW_MS)
    async with books.begin() as tx:
        full = await full_contact(tx, books.keyring, contact, reader="ac-1", purpose="x", now_ms=NOW_MS)
        assert full == Erased(contact)
        assert await masked_contact(tx, books.keyring, contact) is None
        assert await own_contact(tx, books.keyring, contact, "by-1") is None
        assert (await tx.execute(select(contact_reads))).all() == []


async def test_the_destroyed_key_leaves_the_disk_too(sqlite_books: Books, tmp_path: Path) -> None:
    await stored(sqlite_books)
    async with sqlite_books.read() as tx:
        wrapped = await tx.scalar(select(persons.c.wrapped_key))
        sealed = await tx.scalar(select(contacts.c.sealed))
    assert wrapped is not None
    assert sealed is not None
    await erase_person(sqlite_books, "by-1", NOW_MS)
    raw = on_disk(tmp_path)
    assert wrapped not in raw
    assert sealed not in raw


async def test_who_comes_back_after_erasure_is_a_stranger_with_a_new_key(books: Books) -> None:
    before = await stored(books)
    await erase_person(books, "by-1", NOW_MS)
    after = await stored(books)
    async with books.read() as tx:
        assert await own_contact(tx, books.keyring, after, "by-1") == LI
        assert await own_contact(tx, books.keyring, before, "by-1") is None


async def test_a_sealed_contact_moved_to_another_row_does_not_open(books: Books) -> None:
    mine, other = await stored(books), await stored(books)
    async with books.begin() as tx:
        sealed = await tx.scalar(select(contacts.c.sealed).where(contacts.c.id == mine))
        await tx.execute(contacts.update().where(contacts.c.id == other).values(sealed=sealed))
    async with books.read() as tx:
        with pytest.raises(WrongKey):
            await own_contact(tx, books.keyring, other, "by-1")


async def test_without_the_master_key_nothing_opens(database_url: str, tmp_path: Path) -> None:
    books = await open_books(database_url, tmp_path / "right.key")
    contact = await stored(books)
    await books.close()
    thief = await open_books(database_url, tmp_path / "wrong.key")
    async with thief.read() as tx:
        with pytest.raises(WrongKey):
            await own_contact(tx, thief.keyring, contact, "by-1")
    await thief.close()


async def test_the_master_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "persons.key"
    first, second = await open_keyring(path), await open_keyring(path)
    assert first.master == second.master
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(PermissionError, match="others can read"):
        await open_keyring(path)


@pytest.mark.parametrize("size", [0, 31, 33])
async def test_a_torn_master_key_is_no_key(tmp_path: Path, size: int) -> None:
    path = tmp_path / "persons.key"
    path.write_bytes(bytes(size))
    os.chmod(path, 0o600)
    with pytest.raises(ValueError, match=f"holds {size} bytes"):
        await open_keyring(path)


def test_sealing_twice_never_looks_the_same() -> None:
    key = bytes(32)
    assert seal(key, b"x", "ct") != seal(key, b"x", "ct")
    assert unseal(key, seal(key, b"x", "ct"), "ct") == b"x"
    with pytest.raises(WrongKey):
        unseal(key, seal(key, b"x", "ct"), "other")
    with pytest.raises(WrongKey):
        unseal(key, b"short", "ct")
