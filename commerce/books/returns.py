"""What buyers want to send back: asked for, then received or declined. One open wish an order.

Knows its table alone; `aftersales` decides, and changes the order in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.books.ids import new_id
from commerce.books.tables import returns

REASONS: Final = ("damaged", "wrong_goods", "not_as_shown", "changed_mind", "other")


@dataclass(frozen=True, slots=True)
class ReturnWish:
    """`pieces` by line number; `state`: asked · received · declined."""

    id: str
    order: str
    pieces: Mapping[int, int]
    reason: str
    state: str
    asked_at: int
    changed_at: int


async def keep_wish(
    tx: AsyncConnection, order: str, pieces: Mapping[int, int], reason: str, now_ms: int
) -> None:
    """Write down that a buyer wants to send these pieces back."""
    lines = [{"line": number, "pieces": count} for number, count in sorted(pieces.items())]
    await tx.execute(
        insert(returns).values(
            id=new_id("rt"), order_id=order, lines=lines, reason=reason, state="asked", asked_at=now_ms,
            changed_at=now_ms,
        )
    )  # fmt: skip


async def close_wish(
    tx: AsyncConnection, order: str, state: Literal["received", "declined"], now_ms: int
) -> None:
    """The merchant decided on the open wish, if there is one."""
    await tx.execute(
        update(returns)
        .where(returns.c.order_id == order, returns.c.state == "asked")
        .values(state=state, changed_at=now_ms)
    )


async def wishes_of(tx: AsyncConnection, order: str) -> list[ReturnWish]:
    """All wishes of an order, oldest first."""
    query = select(returns).where(returns.c.order_id == order).order_by(returns.c.asked_at, returns.c.id)
    return [_wish(row) for row in await tx.execute(query)]


async def is_wished(tx: AsyncConnection, order: str) -> bool:
    """Whether a wish of the order waits for the merchant."""
    query = select(returns.c.id).where(returns.c.order_id == order, returns.c.state == "asked")
    return await tx.scalar(query) is not None


def _wish(row: Row[Any]) -> ReturnWish:
    pieces = {line["line"]: line["pieces"] for line in row.lines}
    return ReturnWish(row.id, row.order_id, pieces, row.reason, row.state, row.asked_at, row.changed_at)
