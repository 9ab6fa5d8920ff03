"""Backup and restore, rehearsed on each kind of database and from one to the other."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from commerce import backup
from commerce.books import Books, open_books
from commerce.books.aftersales import Act, refund_part
from commerce.books.checks import differences
from commerce.books.copy import NotEmpty, Row, lay_back, save
from commerce.books.orders import BookedOrder
from commerce.books.persons import Contact, own_contact, store_contact
from commerce.books.tables import metadata, stock_moves
from commerce.settings import ShopSettings, read
from tests.commerce.books.test_aftersales import NOW_MS, sold
from tests.commerce.conftest import url_of
from tests.commerce.stocked import MERCHANT
from tests.databases import DATABASES, Cluster
from tests.servers import Server

ANN = Contact("李小红", "+86 138 0000 0000", "连云港", "ann@example.org", "zh")
KINDS = [pytest.param(kind, marks=[pytest.mark.server] if kind != "sqlite" else []) for kind in DATABASES]


async def rows_of(books: Books) -> list[Row]:
    async with books.read() as tx:
        return [row async for row in save(tx)]


async def an_order(books: Books) -> str:
    """An order with postings, a refund that is due, a person, bytes, JSON and nulls."""
    await sold(books)
    async with books.begin() as tx:
        await refund_part(tx, Act(MERCHANT, "or-1", 1, "k1", "ac-1", "late", NOW_MS), 100)
        return await store_contact(tx, books.keyring, "ann", ANN, NOW_MS)


@pytest.mark.parametrize("target", KINDS)
async def test_books_come_back_as_they_were_on_either_kind(
    books: Books, target: str, tmp_path: Path, clusters: list[Cluster]
) -> None:
    contact = await an_order(books)
    rows = await rows_of(books)
    assert {name for name, _ in rows} <= set(metadata.tables)
    (tmp_path / "new").mkdir()
    url = await asyncio.to_thread(url_of, target, tmp_path / "new", clusters)
    other = await open_books(url, tmp_path / "persons.key")
    try:
        async with other.begin() as tx:
            assert await lay_back(tx, rows) == len(rows)
        assert sorted(map(repr, await rows_of(other))) == sorted(map(repr, rows))
        async with other.begin() as tx:
            assert await differences(tx) == []
            assert await own_contact(tx, other.keyring, contact, "ann") == ANN
            numbers = list(await tx.scalars(select(stock_moves.c.id)))
            after = await refund_part(tx, Act(MERCHANT, "or-1", 2, "k2", "ac-1", "", NOW_MS), 50)
            assert isinstance(after, BookedOrder)  # the counters of rows go on behind what was laid back
            assert len(set(numbers)) == len(numbers)
            assert await differences(tx) == []
        with pytest.raises(NotEmpty):
            async with other.begin() as tx:
                await lay_back(tx, rows)
    finally:
        await other.close()


def test_a_shop_is_saved_and_restored_with_one_command_each(
    valkey: Server, database_url: str, tmp_path: Path, clusters: list[Cluster]
) -> None:
    def shop(folder: str, url: str) -> ShopSettings:
        (tmp_path / folder).mkdir()
        named = {"VAR_DIR": str(tmp_path / folder), "REDIS_URL": valkey.url, "DATABASE_URL": url}
        return read(ShopSettings, named)

    async def fill(settings: ShopSettings) -> list[Row]:
        books = await open_books(settings.database_url, settings.keys_dir / "persons.key")
        await an_order(books)
        rows = await rows_of(books)
        await books.close()
        return rows

    async def look(settings: ShopSettings) -> list[Row]:
        books = await open_books(settings.database_url, settings.keys_dir / "persons.key")
        rows = await rows_of(books)
        await books.close()
        return rows

    old = shop("old", database_url)
    before = asyncio.run(fill(old))
    assert backup.main(["save", str(tmp_path / "b.tar")], old) == 0
    valkey.empty()
    kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
    new = shop("new", url_of(kind, tmp_path / "new", clusters))
    assert backup.main(["restore", str(tmp_path / "b.tar")], new) == 0
    assert sorted(map(repr, asyncio.run(look(new)))) == sorted(map(repr, before))
