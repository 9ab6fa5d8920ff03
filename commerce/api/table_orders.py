"""The routes of what comes after the payment: a part of the route table (`table.py`)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from commerce.api import aftersales, answered, asked, papers, persons
from commerce.api.routes import Access, Handler, Route, says

ORDER: Final = "/api/merchant/orders/{order}"
OWN: Final = "/api/orders/{order}"
PDF: Final = "application/pdf"
PAPER_COST: Final = 10.0  # a second of CPU each


def deed(path: str, handler: Handler, takes: type[Struct], *refusals: str) -> Route:
    """What a merchant does with an order: keyed, by its version, answered with the order's file."""
    return Route(
        "POST",
        f"{ORDER}/{path}",
        handler,
        says(handler),
        Access.MERCHANT,
        takes=takes,
        query=asked.MerchantQuery,
        gives=answered.OrderFile,
        keyed=True,
        problems=("UnknownOrder", "VersionDiffers", *refusals),
    )


def paper(path: str, handler: Handler, access: Access, query: type[Struct]) -> Route:
    """A PDF of an order."""
    named: Any = {"query": query, "media": PDF, "cost": PAPER_COST, "problems": ("UnknownOrder", "NoFonts")}
    return Route("GET", path, handler, says(handler), access, **named)


def sheet(name: str, handler: Handler, media: str) -> Route:
    """An export of the merchant's orders."""
    named: Any = {"query": asked.ExportQuery, "media": media, "cost": PAPER_COST}
    return Route("GET", f"/api/merchant/exports/{name}", handler, says(handler), Access.MERCHANT, **named)


AFTER_SALES: Final = (
    Route(
        "GET",
        ORDER,
        aftersales.read_merchant_order,
        says(aftersales.read_merchant_order),
        Access.STAFF,
        query=asked.MerchantQuery,
        gives=answered.OrderFile,
        problems=("UnknownOrder",),
    ),
    deed("advance", aftersales.advance_order, asked.Advance, "WrongState"),
    deed("cancel", aftersales.cancel_paid_order, asked.OrderVersion, "WrongState"),
    deed("refund", aftersales.refund_order, asked.PartRefund, "TooMuch"),
    deed("return", aftersales.receive_return, asked.ReturnedGoods, "WrongState", "TooMuch"),
    deed("decline-return", aftersales.decline_return, asked.OrderVersion, "NoReturnAsked"),
    Route(
        "POST",
        f"{ORDER}/contact",
        aftersales.read_contact,
        says(aftersales.read_contact),
        Access.MERCHANT,
        takes=asked.ContactRead,
        query=asked.MerchantQuery,
        gives=answered.Contact,
        problems=("UnknownOrder", "ContactErased"),
    ),
    Route(
        "POST",
        f"{OWN}/return",
        aftersales.ask_for_return,
        says(aftersales.ask_for_return),
        Access.BUYER,
        takes=asked.ReturnAsked,
        gives=answered.Order,
        keyed=True,
        problems=("UnknownOrder", "VersionDiffers", "WrongState", "TooMuch", "ReturnOpen"),
    ),
    paper(f"{OWN}/invoice", papers.read_own_invoice, Access.BUYER, asked.OwnPaperQuery),
    paper(f"{ORDER}/invoice", papers.read_invoice, Access.MERCHANT, asked.PaperQuery),
    paper(f"{ORDER}/packing-list", papers.read_packing_list, Access.MERCHANT, asked.PaperQuery),
    sheet("orders.csv", papers.export_csv, "text/csv"),
    sheet("orders.jsonl", papers.export_json, "application/x-ndjson"),
    Route(
        "POST",
        f"{OWN}/erasure",
        persons.erase_person,
        says(persons.erase_person),
        Access.SOMEONE,
        takes=asked.Erase,
        gives=answered.Erasure,
        problems=("UnknownOrder", "OrdersUnderWay"),
    ),
    Route(
        "GET",
        "/api/operator/reads",
        persons.list_reads,
        says(persons.list_reads),
        Access.OPERATOR,
        query=asked.ReadsQuery,
        gives=answered.ContactReads,
    ),
    Route(
        "GET",
        "/api/operator/orders/{order}/messages",
        persons.read_messages,
        says(persons.read_messages),
        Access.OPERATOR,
        gives=answered.PaymentMessages,
        problems=("UnknownOrder",),
    ),
)
