"""Orders of a street that are paid and booked: an archivist at work, for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from commerce.books.orders import find_order
from commerce.effects.archivist import Archivist
from commerce.live.cursor import Cursor, slowest
from commerce.live.valkey import open_redis, open_wire
from commerce.tasks import end
from tests.commerce.api.street import Caller, Street


@asynccontextmanager
async def archiving(street: Street, show: str) -> AsyncIterator[None]:
    """An archivist at work on the show."""
    url = street.house.settings.redis_url
    redis, wire = open_redis(url), open_wire(url)
    archivist = Archivist(
        show, street.house.books, wire, Cursor(redis, show, "archivist"), slowest=partial(slowest, redis)
    )
    task = asyncio.create_task(archivist.run())
    try:
        yield
    finally:
        await end([task])
        await wire.aclose()
        await redis.aclose()


async def booked(street: Street, order: str) -> None:
    """Wait until the books have the order."""
    async with asyncio.timeout(30):
        while True:
            async with street.house.books.read() as tx:
                if await find_order(tx, order) is not None:
                    return
            await asyncio.sleep(0.02)


async def paid_order(street: Street, quantity: int = 1) -> tuple[str, Caller, Caller]:
    """An order in the books, its buyer and its seller."""
    show, offer = await street.open_show()
    buyer, seller = await street.buyer(), await street.signed_in("seller")
    placed = await street.order(show, offer, buyer, quantity)
    assert placed.status == 201, placed.body
    order = str(placed.body["id"])
    async with archiving(street, show):
        assert (await street.pay(order)).status == 204
        await booked(street, order)
    return order, buyer, seller
