"""Opening a try to pay: written down first, then asked of the firm, so that the books know every payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commerce.books import Books
from commerce.books.catalogue import find_merchant
from commerce.books.ids import new_id
from commerce.books.payments import Message, Payment, keep_message, note_page, open_payment, payments_of_order
from commerce.payments.provider import Bill, FirmRefused, FirmSilent, Provider


@dataclass(frozen=True, slots=True)
class Payable:
    """An order that awaits payment, as its placing told."""

    order: str
    show: str
    merchant: str
    amount: int
    currency: str


async def pay_page(
    books: Books,
    provider: Provider,
    payable: Payable,
    *,
    return_url: str,
    language: str,
    payer_ip: str,
    now_ms: int,
) -> str | FirmRefused | FirmSilent:
    """The URL where the order can be paid. An open try of the same sum is used again, else one is made."""
    payment = await _open_try(books, provider.name, payable, now_ms)
    if payment.pay_url is not None:
        return payment.pay_url
    async with books.read() as tx:
        merchant = await find_merchant(tx, payable.merchant)
    payee = _in_language(merchant.name, language) if merchant else payable.merchant
    bill = Bill(
        payment.id, payable.order, payable.amount, payable.currency, payee, return_url, language, payer_ip
    )
    page = await provider.open_page(bill)
    async with books.begin() as tx:
        said = page.transcript
        if said.request:
            key = f"session:{payment.id}:{now_ms}"
            await keep_message(
                tx, books.keyring, Message(key, payment.id, "session", said.request, said.response), now_ms
            )
        if isinstance(page, FirmRefused | FirmSilent):
            return page
        await note_page(tx, payment.id, page.ref, page.url, now_ms)
    return page.url


async def open_pay_url(books: Books, order: str) -> str | None:
    """The URL of an order's open try to pay, without asking the firm."""
    async with books.read() as tx:
        tries = await payments_of_order(tx, order)
    return next((one.pay_url for one in tries if one.state == "open" and one.pay_url), None)


async def _open_try(books: Books, provider: str, payable: Payable, now_ms: int) -> Payment:
    async with books.begin() as tx:
        for one in await payments_of_order(tx, payable.order):
            same = (one.provider, one.amount, one.currency) == (provider, payable.amount, payable.currency)
            if one.state == "open" and same:
                return one
        made = Payment(
            id=new_id("pa"), provider=provider, ref=None, order=payable.order, show=payable.show,
            merchant=payable.merchant, amount=payable.amount, currency=payable.currency, state="open",
            pay_url=None, created_at=now_ms,
        )  # fmt: skip
        await open_payment(tx, made)
        return made


def _in_language(name: Mapping[str, str], language: str) -> str:
    return name.get(language) or name.get("en") or next(iter(name.values()), "")
