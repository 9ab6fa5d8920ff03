"""Carts: what a viewer has put together. A wish; it holds no stock and is forgotten after a week."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from redis.asyncio import Redis

from commerce.live import keys

CART_KEPT_SECONDS: Final = 7 * 86_400
CART_LINES_MOST: Final = 50


class CartLine(msgspec.Struct, frozen=True):
    """So many pieces of an offer."""

    offer: str
    quantity: int


_lines: Final = msgspec.msgpack.Decoder(list[CartLine])


class Carts:
    """One cart for each (show, viewer)."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def read(self, show: str, viewer: str) -> list[CartLine]:
        """The viewer's lines; empty when there is no cart."""
        packed: Any = await self._redis.get(keys.cart(show, viewer))
        return [] if packed is None else _lines.decode(packed)

    async def write(self, show: str, viewer: str, lines: list[CartLine]) -> None:
        """Replace the cart. Raises ValueError over 50 lines."""
        if len(lines) > CART_LINES_MOST:
            raise ValueError(f"a cart has at most {CART_LINES_MOST} lines")
        if lines:
            packed = msgspec.msgpack.encode(lines)
            await self._redis.set(keys.cart(show, viewer), packed, ex=CART_KEPT_SECONDS)
        else:
            await self._redis.delete(keys.cart(show, viewer))
