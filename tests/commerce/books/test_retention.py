"""What is past its time is forgotten; the books and their chain stay whole."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from commerce.books import Books
from commerce.books.aftersales import Act, advance
from commerce.books.checks import differences
from commerce.books.orders import find_order
from commerce.books.payments import Message, keep_message, messages_of
from commerce.books.persons import Contact, own_contact, store_contact
from commerce.books.retention import DAY_MS, KEPT_MS, UNNAMED_MS, Forgotten, forget_what_is_due
from commerce.books.tables import audit, orders, persons, records
from tests.commerce.books.test_aftersales import NOW_MS, sold
from tests.commerce.stocked import MERCHANT

ANN = Contact("Ann", "+7 701 000 00 00", "Almaty")


async def a_customer(books: Books) -> str:
    """Ann with the contact of her paid order, and one of an order that she never paid."""
    await sold(books)
    async with books.begin() as tx:
        contact = await store_contact(tx, books.keyring, "ann", ANN, NOW_MS)
        await store_contact(tx, books.keyring, "ann", ANN, NOW_MS)
        await tx.execute(orders.update().values(contact_id=contact))
        said = Message("m-1", "pa-1", "webhook", b"paid by Ann", b"ok")
        await keep_message(tx, books.keyring, said, NOW_MS)
        await tx.execute(persons.insert().values(id="ac-1", wrapped_key=b"of staff", created_at=0))
    return contact


async def told(books: Books, contact: str) -> tuple[bool, int]:
    async with books.read() as tx:
        readable = await own_contact(tx, books.keyring, contact, "ann") is not None
        return readable, len(await messages_of(tx, books.keyring, "pa-1"))


async def test_a_person_is_forgotten_three_years_after_the_last_order(books: Books) -> None:
    contact = await a_customer(books)
    for later in (0, UNNAMED_MS, KEPT_MS - DAY_MS, KEPT_MS):
        found = await forget_what_is_due(books, NOW_MS + later)
        assert (found.persons, found.messages) == (0, 0)
        assert await told(books, contact) == (True, 1)
    assert await forget_what_is_due(books, NOW_MS + KEPT_MS + 1) == Forgotten(persons=1, messages=1)
    assert await told(books, contact) == (False, 0)
    assert await forget_what_is_due(books, NOW_MS + 2 * KEPT_MS) == Forgotten()
    async with books.read() as tx:
        assert await differences(tx) == []
        kept = await find_order(tx, "or-1")
        assert kept is not None
        assert (kept.amounts.total, kept.buyer) == (4_346, "ann")
        assert await tx.scalar(select(func.count()).select_from(records)) == 1
        staff = await tx.scalar(select(persons.c.wrapped_key).where(persons.c.id == "ac-1"))
        assert staff == b"of staff"
        acts = [(row.actor, row.act) for row in await tx.execute(select(audit))]
    assert acts == [("retention", "Forget")] * 2


async def test_a_contact_that_no_order_names_goes_after_two_months(books: Books) -> None:
    contact = await a_customer(books)
    assert await forget_what_is_due(books, NOW_MS + UNNAMED_MS) == Forgotten()
    assert await forget_what_is_due(books, NOW_MS + UNNAMED_MS + 1) == Forgotten(contacts=1)
    assert (await told(books, contact))[0]


@pytest.mark.parametrize("what", ["a step of the order", "another contact"])
async def test_whatever_happens_later_starts_the_years_anew(books: Books, what: str) -> None:
    contact = await a_customer(books)
    later = NOW_MS + KEPT_MS // 2
    async with books.begin() as tx:
        if what == "another contact":
            await store_contact(tx, books.keyring, "ann", ANN, later)
        else:
            await advance(tx, Act(MERCHANT, "or-1", 1, "k", "ac-1", "", later), "shipped")
    assert (await forget_what_is_due(books, NOW_MS + KEPT_MS + 1)).persons == 0
    assert (await told(books, contact))[0]
    assert (await forget_what_is_due(books, later + KEPT_MS + 1)).persons == 1


async def test_more_than_one_round_of_persons_is_forgotten(sqlite_books: Books) -> None:
    async with sqlite_books.begin() as tx:
        for number in range(1_100):
            await store_contact(tx, sqlite_books.keyring, f"by-{number}", ANN, NOW_MS)
    assert (await forget_what_is_due(sqlite_books, NOW_MS + KEPT_MS + 1)).persons == 1_100
