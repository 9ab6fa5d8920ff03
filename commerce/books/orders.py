"""Orders from *paid* on: one row with a version, changed by compare-and-set, amounts as placed.

Merchant and host read orders by their merchant alone; a buyer reads by buyer id. The show's log owns an order
before it is paid, and this module has never heard of such.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Row, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ledger import Posting, post_all, sale
from commerce.books.money import Amounts
from commerce.books.records import Said, keep_records
from commerce.books.tables import order_changes, order_lines, orders

MOST_ORDERS: Final = 200

__all__ = [
    "Amounts",
    "BookedOrder",
    "OrderLine",
    "book_order",
    "find_order_of",
    "find_order_of_buyer",
    "list_orders",
]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as it was bought. `goods` is SKU and units of one piece of the offer."""

    offer: str
    title: Mapping[str, str]
    image: str | None
    quantity: int
    price: int
    goods: tuple[tuple[str, int], ...]
    returned: int = 0  # pieces that came back


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """An order that was paid."""

    id: str
    show: str
    merchant: str
    buyer: str
    contact: str
    state: str
    version: int
    lines: tuple[OrderLine, ...]
    amounts: Amounts
    refunded: int
    payment: str
    provider: str
    placed_at: int
    paid_at: int


async def list_orders(
    tx: AsyncConnection,
    merchant: str,
    *,
    show: str | None = None,
    state: str | None = None,
    after: str | None = None,
    most: int = 50,
) -> tuple[list[BookedOrder], str | None]:
    """The merchant's orders, newest first, and the `after` of the next page (None at the end).

    An `after` that is no order of the merchant gives an empty page.
    """
    query = select(orders).where(orders.c.merchant_id == merchant)
    if show is not None:
        query = query.where(orders.c.show_id == show)
    if state is not None:
        query = query.where(orders.c.state == state)
    if after is not None:
        last = await find_order_of(tx, merchant, after)
        if last is None:
            return [], None
        older = orders.c.paid_at < last.paid_at
        query = query.where(or_(older, and_(orders.c.paid_at == last.paid_at, orders.c.id < after)))
    most = min(most, MOST_ORDERS)
    query = query.order_by(orders.c.paid_at.desc(), orders.c.id.desc()).limit(most + 1)
    found = await _with_lines(tx, list(await tx.execute(query)))
    page = found[:most]
    return page, page[-1].id if len(found) > most else None


async def find_order_of(tx: AsyncConnection, merchant: str, order: str) -> BookedOrder | None:
    """The order, if it is this merchant's."""
    return await _one(tx, (orders.c.id == order) & (orders.c.merchant_id == merchant))


async def find_order_of_buyer(tx: AsyncConnection, buyer: str, order: str) -> BookedOrder | None:
    """The order, if it is this buyer's."""
    return await _one(tx, (orders.c.id == order) & (orders.c.buyer_id == buyer))


async def find_order(tx: AsyncConnection, order: str) -> BookedOrder | None:
    """The order, for an operator of the house alone."""
    return await _one(tx, orders.c.id == order)


async def orders_under_way(tx: AsyncConnection, buyer: str) -> list[str]:
    """The buyer's orders that have yet to reach them."""
    here = orders.c.state.in_(("paid", "declared", "cleared", "shipped"))
    query = select(orders.c.id).where(orders.c.buyer_id == buyer, here).order_by(orders.c.paid_at)
    return list(await tx.scalars(query.limit(MOST_ORDERS)))


@dataclass(frozen=True, slots=True)
class Change:
    """One step of an order: what it became, by whom and why."""

    version: int
    state: str
    actor: str
    reason: str
    at: int


async def changes_of(tx: AsyncConnection, order: str) -> list[Change]:
    """Every step of the order from *paid* on, oldest first."""
    query = select(order_changes).where(order_changes.c.order_id == order).order_by(order_changes.c.version)
    return [Change(row.version, row.state, row.actor, row.reason, row.at) for row in await tx.execute(query)]


async def _one(tx: AsyncConnection, condition: Any) -> BookedOrder | None:
    found = await _with_lines(tx, list(await tx.execute(select(orders).where(condition))))
    return found[0] if found else None


async def _with_lines(tx: AsyncConnection, rows: list[Row[Any]]) -> list[BookedOrder]:
    lines: dict[str, list[OrderLine]] = {row.id: [] for row in rows}
    query = select(order_lines).where(order_lines.c.order_id.in_(lines)).order_by(order_lines.c.number)
    for line in await tx.execute(query) if lines else ():
        lines[line.order_id].append(_line(line))
    return [_order(row, tuple(lines[row.id])) for row in rows]


def _line(row: Row[Any]) -> OrderLine:
    goods = tuple((part["sku"], part["units"]) for part in row.goods)
    return OrderLine(row.offer_id, row.title, row.image, row.quantity, row.price, goods, row.returned)


def _order(row: Row[Any], lines: tuple[OrderLine, ...]) -> BookedOrder:
    amounts = Amounts(row.goods, row.freight, row.tax, row.discount, row.total, row.currency)
    return BookedOrder(
        row.id, row.show_id, row.merchant_id, row.buyer_id, row.contact_id, row.state, row.version, lines,
        amounts, row.refunded, row.payment_id, row.provider, row.placed_at, row.paid_at,
    )  # fmt: skip


# -- writing ------------------------------------------------------------------------------------------


async def book_order(tx: AsyncConnection, order: BookedOrder, actor: str) -> bool:
    """Write down an order that was paid, with its posting and its record; False if it was before."""
    return bool(await book_orders(tx, order.show, [order], actor))


async def book_orders(
    tx: AsyncConnection, show: str, paid: Sequence[BookedOrder], actor: str
) -> list[BookedOrder]:
    """Write down orders of a show that were paid, and give those that were not booked before.

    Many at a time: a statement costs more than a row.
    """
    ids = [order.id for order in paid]
    known = set(await tx.scalars(select(orders.c.id).where(orders.c.id.in_(ids))))
    new = [order for order in paid if order.id not in known]
    if new:
        await tx.execute(insert(orders), [_row(order) for order in new])
        lines = [_line_row(order.id, n, line) for order in new for n, line in enumerate(order.lines)]
        await tx.execute(insert(order_lines), lines)
        await tx.execute(insert(order_changes), [_first_change(order, actor) for order in new])
        await post_all(tx, [(_sale(order), order.paid_at) for order in new])
        await keep_records(tx, show, [Said("OrderPaid", _record(order), order.paid_at) for order in new])
    return new


def _row(order: BookedOrder) -> dict[str, Any]:
    return {
        "id": order.id, "show_id": order.show, "merchant_id": order.merchant, "buyer_id": order.buyer,
        "contact_id": order.contact, "state": "paid", "version": 1, **asdict(order.amounts), "refunded": 0,
        "payment_id": order.payment, "provider": order.provider, "placed_at": order.placed_at,
        "paid_at": order.paid_at, "changed_at": order.paid_at,
    }  # fmt: skip


def _first_change(order: BookedOrder, actor: str) -> dict[str, Any]:
    said = {"state": "paid", "actor": actor, "reason": "", "at": order.paid_at}
    return {"order_id": order.id, "version": 1, **said}


def _sale(order: BookedOrder) -> Posting:
    lines = sale(order.amounts, order.merchant, order.provider)
    return Posting(f"paid:{order.id}", "sale", order.amounts.currency, lines, order.id, order.show)


def _line_row(order: str, number: int, line: OrderLine) -> dict[str, Any]:
    return {
        "order_id": order,
        "number": number,
        "offer_id": line.offer,
        "title": dict(line.title),
        "image": line.image,
        "quantity": line.quantity,
        "price": line.price,
        "goods": [{"sku": sku, "units": units} for sku, units in line.goods],
    }


def _record(order: BookedOrder) -> dict[str, Any]:
    names = ("id", "show", "merchant", "buyer", "contact", "payment", "provider", "placed_at", "paid_at")
    said = {name: getattr(order, name) for name in names}
    lines = [_line_row(order.id, n, line) for n, line in enumerate(order.lines)]
    return {**said, "amounts": asdict(order.amounts), "lines": lines}
