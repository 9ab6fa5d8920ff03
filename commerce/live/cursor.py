"""How far an effect has come in a show's log; durable, so that it goes on where it stopped."""

from __future__ import annotations

from typing import Any

import redis.exceptions as wrong
from redis.asyncio import Redis

from commerce.live import keys
from commerce.live.wire import Broken


class Cursor:
    """The place of one effect in one show. At least once: move only after the work is done."""

    def __init__(self, redis: Redis, show: str, effect: str) -> None:
        self._redis, self._show, self._effect = redis, show, effect

    async def read(self) -> int:
        """The last version done; 0 at first. From now on the log keeps what this effect still needs."""
        try:
            await self._redis.sadd(keys.cursors(self._show), self._effect)
            return int(await self._redis.get(keys.cursor(self._show, self._effect)) or 0)
        except (wrong.RedisError, OSError) as error:
            raise Broken(str(error)) from error

    async def move(self, version: int) -> None:
        """All up to `version` is done."""
        try:
            await self._redis.set(keys.cursor(self._show, self._effect), version)
        except (wrong.RedisError, OSError) as error:
            raise Broken(str(error)) from error


async def slowest(redis: Redis, show: str) -> int | None:
    """The version that every effect of the show has done; None when none follows it."""
    try:
        found: set[Any] = await redis.smembers(keys.cursors(show))
        effects = [name.decode() for name in found]
        if not effects:
            return None
        return min([int(await redis.get(keys.cursor(show, effect)) or 0) for effect in effects])
    except (wrong.RedisError, OSError) as error:
        raise Broken(str(error)) from error
