"""Orders as CSV for spreadsheets and as JSON lines for programs. Ids and amounts; no person.

A spreadsheet takes a cell that begins with one of `= + - @`, a tab or a line end for a formula, and what a
merchant called their goods decides what it runs. Such text gets an apostrophe in front; numbers are ours.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from commerce.books.money import exact
from commerce.books.orders import BookedOrder

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "=", "+", "-", "@")
BYTE_ORDER_MARK: Final = "\ufeff"  # without it a spreadsheet reads UTF-8 as something else
AMOUNTS: Final = ("goods", "freight", "tax", "discount", "total")
HEADS: Final = (
    "order", "show", "state", "placed_at", "paid_at", "line", "offer", "title", "quantity", "price",
    *AMOUNTS, "refunded", "currency", "provider", "payment",
)  # fmt: skip


def to_csv(orders: Iterable[BookedOrder], language: str) -> str:
    """One row for each line (RFC 4180); an order's amounts stand on its first alone: sums are right."""
    head = io.StringIO()
    csv.writer(head).writerow(HEADS)
    return BYTE_ORDER_MARK + head.getvalue() + more_csv(orders, language)


def more_csv(orders: Iterable[BookedOrder], language: str) -> str:
    """Further rows of such a sheet."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, quoting=csv.QUOTE_MINIMAL)
    for order in orders:
        for number in range(len(order.lines)):
            writer.writerow(_row(order, number, language))
    return sheet.getvalue()


def to_json_lines(orders: Iterable[BookedOrder]) -> str:
    """One JSON object a line; amounts in minor units."""
    return "".join(json.dumps(asdict(order), ensure_ascii=False) + "\n" for order in orders)


def harmless(text: str) -> str:
    """The text as a spreadsheet shows it and does not run it."""
    calm = text.replace("\0", "")
    return f"'{calm}" if calm.lstrip(" ").startswith(FORMULA_STARTS) else calm


def _row(order: BookedOrder, number: int, language: str) -> list[str]:
    line, amounts = order.lines[number], order.amounts
    currency = amounts.currency
    title = line.title.get(language) or line.title.get("en") or next(iter(line.title.values()), "")
    first = [exact(getattr(amounts, name), currency) for name in AMOUNTS] + [exact(order.refunded, currency)]
    texts = [order.id, order.show, order.state, _moment(order.placed_at), _moment(order.paid_at)]
    return [
        *map(harmless, texts), str(number + 1), harmless(line.offer), harmless(title), str(line.quantity),
        exact(line.price, currency), *(first if number == 0 else [""] * len(first)), currency,
        harmless(order.provider), harmless(order.payment),
    ]  # fmt: skip


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
