"""Double entry in integer minor units. Every posting sums to zero in each currency, once for a key.

Accounts are words: debit (above zero) is what the house has or gave, credit what it owes.

    firm:{provider}            money that lies with a payment firm
    merchant:{id}:sales        owed to the merchant for goods; also :freight :tax :discounts
    refunds                    owed back to buyers, until the firm took the refund on
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.money import Amounts
from commerce.books.tables import posting_lines, postings

REFUNDS = "refunds"


class Unbalanced(Exception):
    """A posting that does not sum to zero: never written."""


class Line(NamedTuple):
    """`amount` on an account; above zero is debit."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Posting:
    """What happened to money, in one currency. `key` makes it happen once."""

    key: str
    kind: str
    currency: str
    lines: tuple[Line, ...]
    order: str | None = None
    show: str | None = None


def at_firm(provider: str) -> str:
    return f"firm:{provider}"


def of_merchant(merchant: str, part: str) -> str:
    """`part`: sales, freight, tax or discounts."""
    return f"merchant:{merchant}:{part}"


def sale(amounts: Amounts, merchant: str, provider: str) -> tuple[Line, ...]:
    """A paid order: the firm has the total, the merchant is owed goods, freight and tax less the discount."""
    return balanced(
        (
            Line(at_firm(provider), amounts.total),
            Line(of_merchant(merchant, "discounts"), amounts.discount),
            Line(of_merchant(merchant, "sales"), -amounts.goods),
            Line(of_merchant(merchant, "freight"), -amounts.freight),
            Line(of_merchant(merchant, "tax"), -amounts.tax),
        )
    )


def unearned(amount: int, provider: str) -> tuple[Line, ...]:
    """Money came for which no goods are kept: it is owed back at once."""
    return balanced((Line(at_firm(provider), amount), Line(REFUNDS, -amount)))


def refund_made(amount: int, provider: str) -> tuple[Line, ...]:
    """The firm has taken a refund on."""
    return balanced((Line(REFUNDS, amount), Line(at_firm(provider), -amount)))


def balanced(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines without those of zero. Raises Unbalanced."""
    if sum(line.amount for line in lines):
        raise Unbalanced(str(lines))
    return tuple(line for line in lines if line.amount)


async def post(tx: AsyncConnection, posting: Posting, now_ms: int) -> bool:
    """Write a posting; False if its key was posted already. Raises Unbalanced."""
    return bool(await post_all(tx, [(posting, now_ms)]))


async def post_all(tx: AsyncConnection, dated: Sequence[tuple[Posting, int]]) -> int:
    """Write postings with their times, those of new keys alone; how many. Raises Unbalanced."""
    keys = [posting.key for posting, _ in dated]
    known = set(await tx.scalars(select(postings.c.key).where(postings.c.key.in_(keys))))
    new = [(posting, at, balanced(posting.lines)) for posting, at in dated if posting.key not in known]
    if not new:
        return 0
    rows = [
        {"key": one.key, "kind": one.kind, "order_id": one.order, "show_id": one.show, "at": at}
        for one, at, _ in new
    ]
    made = insert(postings).returning(postings.c.id, sort_by_parameter_order=True)
    ids = list(await tx.scalars(made, rows))
    lines = [
        {"posting_id": id_, "number": n, "account": account, "amount": amount, "currency": one.currency}
        for id_, (one, _, lines) in zip(ids, new, strict=True)
        for n, (account, amount) in enumerate(lines)
    ]
    if lines:
        await tx.execute(insert(posting_lines), lines)
    return len(new)


async def balances(tx: AsyncConnection) -> Counter[tuple[str, str]]:
    """The balance of every account, by (account, currency)."""
    found = await tx.execute(
        select(
            posting_lines.c.account, posting_lines.c.currency, func.sum(posting_lines.c.amount).label("sum")
        ).group_by(posting_lines.c.account, posting_lines.c.currency)
    )
    return Counter({(row.account, row.currency): int(row.sum) for row in found})
