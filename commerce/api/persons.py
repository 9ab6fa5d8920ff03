"""Persons: erased at their own wish or by an operator, and who read what of them, for the operator to see."""

from __future__ import annotations

import base64
from typing import Final

from msgspec import Struct

from commerce.api import answered
from commerce.api.ask import Ask
from commerce.api.asked import Erase
from commerce.api.orders import booked_of, logged_of
from commerce.api.problems import Problem
from commerce.books import persons
from commerce.books.orders import orders_under_way
from commerce.books.payments import Message, messages_of, payments_of_order

READS_A_PAGE: Final = 100


async def erase_person(ask: Ask, body: Erase) -> Struct:
    """Destroy the key of whoever placed the order: nobody reads their name, number and address again.

    Buyers ask for themselves, and not while a parcel has yet to reach them; operators may all the same.
    """
    if ask.who.kind == "staff" and ask.who.role != "operator":
        raise Problem("Forbidden")
    buyer, awaiting = await _buyer_of(ask, ask.path("order"))
    async with ask.house.books.read() as tx:
        under_way = [*awaiting, *await orders_under_way(tx, buyer)]
    if under_way and not (body.even_under_way and ask.who.role == "operator"):
        raise Problem("OrdersUnderWay", extra={"orders": under_way[:20]})
    ask.house.contacts.forget(buyer)
    async with ask.house.books.begin() as tx:
        erased = await persons.erase_persons(tx, [buyer], ask.now_ms) == 1
        await ask.house.note_in(tx, ask, "ErasePerson", buyer, erased=erased)
    if erased:
        await ask.house.books.forget_old_pages()
    return answered.Erasure(person=buyer, erased=erased)


async def list_reads(ask: Ask) -> Struct:
    """Who read whose contact in full, and for what; the newest first."""
    async with ask.house.books.read() as tx:
        found = await persons.reads_of_contacts(tx, ask.query.before, READS_A_PAGE)
    reads = [
        answered.ContactRead(
            id=one.id,
            contact=one.contact,
            person=one.person,
            reader=one.reader,
            purpose=one.purpose,
            at=one.at,
        )
        for one in found
    ]
    return answered.ContactReads(reads=reads, next=found[-1].id if len(found) == READS_A_PAGE else None)


async def read_messages(ask: Ask) -> Struct:
    """All that was said to and by payment firms about an order, byte for byte; that it was read is noted."""
    order, house = ask.path("order"), ask.house
    async with house.books.read() as tx:
        tries = await payments_of_order(tx, order)
        said = [
            (one.provider, message)
            for one in reversed(tries)
            for message in await messages_of(tx, house.books.keyring, one.id)
        ]
    if not tries:
        raise Problem("UnknownOrder")
    await house.note(ask, "ReadPaymentMessages", order, messages=len(said))
    return answered.PaymentMessages(messages=[_message(provider, one) for provider, one in said])


def _message(provider: str, one: Message) -> answered.PaymentMessage:
    request, response = one.request, one.response
    try:
        texts, encoding = (request.decode(), response.decode()), "utf-8"
    except UnicodeDecodeError:
        texts = base64.b64encode(request).decode(), base64.b64encode(response).decode()
        encoding = "base64"
    return answered.PaymentMessage(
        payment=one.payment, provider=provider, kind=one.kind, at=one.at, verdict=one.verdict,
        request=texts[0], response=texts[1], encoding=encoding,
    )  # fmt: skip


async def _buyer_of(ask: Ask, order: str) -> tuple[str, list[str]]:
    """Who placed the order, and the order itself while it awaits payment."""
    booked = await booked_of(ask, order)
    if booked is not None:
        return booked.buyer, []
    _, logged = await logged_of(ask, order)
    return logged.buyer, [order] if logged.state == "awaiting_payment" else []
