"""Papers and exports of orders: PDF set by the press, CSV and JSON lines written as the books are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

from aiohttp import web

from commerce.api.ask import Ask
from commerce.api.merchant import merchant_of
from commerce.api.problems import Problem
from commerce.books import export, persons
from commerce.books.catalogue import Merchant, find_merchant, find_products
from commerce.books.orders import BookedOrder, find_order_of, find_order_of_buyer, list_orders
from commerce.books.papers import NoFonts, Parcel
from commerce.books.press import Job, PressBusy

MOST_EXPORTED: Final = 100_000
PAGE: Final = 200
HEADERS: Final = {"Cache-Control": "no-store"}


async def read_own_invoice(ask: Ask) -> web.Response:
    """The invoice of an order of one's own, as PDF."""
    house = ask.house
    async with house.books.read() as tx:
        order = await find_order_of_buyer(tx, ask.who.id, ask.path("order"))
        if order is None:
            raise Problem("UnknownOrder")
        contact = await persons.own_contact(tx, house.books.keyring, order.contact, ask.who.id)
    return await _paper(ask, "invoice", order, contact)


async def read_invoice(ask: Ask) -> web.Response:
    """The invoice of an order, as PDF; that the contact was read is written down."""
    return await _paper_of_merchant(ask, "invoice")


async def read_packing_list(ask: Ask) -> web.Response:
    """The packing list of an order, as PDF; that the contact was read is written down."""
    return await _paper_of_merchant(ask, "packing_list")


async def export_csv(ask: Ask) -> web.StreamResponse:
    """The merchant's orders for a spreadsheet: a row for each line, safe to open."""
    language = ask.query.language

    def rows(page: list[BookedOrder], first: bool) -> str:
        return export.to_csv(page, language) if first else export.more_csv(page, language)

    return await _export(ask, "orders.csv", "text/csv; charset=utf-8", rows)


async def export_json(ask: Ask) -> web.StreamResponse:
    """The merchant's orders for programs: a JSON object a line, amounts in minor units."""
    return await _export(
        ask, "orders.jsonl", "application/x-ndjson", lambda page, _: export.to_json_lines(page)
    )


async def _paper_of_merchant(ask: Ask, kind: Literal["invoice", "packing_list"]) -> web.Response:
    house = ask.house
    async with house.books.begin() as tx:
        order = await find_order_of(tx, merchant_of(ask), ask.path("order"))
        if order is None:
            raise Problem("UnknownOrder")
        contact = await persons.full_contact(
            tx, house.books.keyring, order.contact, reader=ask.who.actor, purpose=kind, now_ms=ask.now_ms
        )
    return await _paper(ask, kind, order, contact if isinstance(contact, persons.Contact) else None)


async def _paper(
    ask: Ask, kind: Literal["invoice", "packing_list"], order: BookedOrder, contact: persons.Contact | None
) -> web.Response:
    skus = [sku for line in order.lines for sku, _ in line.goods]
    async with ask.house.books.read() as tx:
        merchant = await find_merchant(tx, order.merchant) or Merchant(order.merchant, {})
        goods = await find_products(tx, order.merchant, skus)
    try:
        job = Job(kind, Parcel(order, merchant, contact, goods), ask.query.language)
        pdf = await ask.house.press.set(job)
    except PressBusy:
        raise Problem("Busy", "Many papers are being set") from None
    except NoFonts:
        raise Problem("NoFonts") from None
    name = f"{kind.replace('_', '-')}-{order.id.partition('.')[0]}.pdf"
    return web.Response(body=pdf, headers={**HEADERS, **_named(name, "application/pdf")})


async def _export(
    ask: Ask, name: str, kind: str, write: Callable[[list[BookedOrder], bool], str]
) -> web.StreamResponse:
    merchant = merchant_of(ask)
    await ask.house.note(ask, "ExportOrders", merchant, file=name)
    response = web.StreamResponse(headers={**HEADERS, **_named(name, kind), "X-Request-Id": ask.trace})
    await response.prepare(ask.request)
    first = True
    async for page in _pages(ask, merchant):
        await response.write(write(page, first).encode())
        first = False
    await response.write_eof()
    return response


async def _pages(ask: Ask, merchant: str) -> AsyncIterator[list[BookedOrder]]:
    """The orders page by page, each page in a transaction of its own: no writer waits for a slow reader."""
    after = None
    for _ in range(MOST_EXPORTED // PAGE):
        async with ask.house.books.read() as tx:
            page, after = await list_orders(
                tx, merchant, show=ask.query.show, state=ask.query.state, after=after, most=PAGE
            )
        yield page
        if after is None:
            return


def _named(name: str, kind: str) -> dict[str, str]:
    return {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'}
