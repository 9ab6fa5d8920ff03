"""Which shows a desk has to run."""

from __future__ import annotations

from typing import Any

import redis.exceptions as wrong
from redis.asyncio import Redis

from commerce.live import keys
from commerce.live.wire import Broken


class Roster:
    """The shows that somebody asks something of. A desk removes one that has closed and is quiet."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, show: str) -> None:
        """Have the show run by a desk from now on. Raises Broken."""
        try:
            await self._redis.sadd(keys.OPEN_SHOWS, show)
        except (wrong.RedisError, OSError) as error:
            raise Broken(str(error)) from error

    async def remove(self, show: str) -> None:
        """No desk needs to run the show any more. Raises Broken."""
        try:
            await self._redis.srem(keys.OPEN_SHOWS, show)
        except (wrong.RedisError, OSError) as error:
            raise Broken(str(error)) from error

    async def shows(self) -> set[str]:
        """All shows to run. Raises Broken."""
        try:
            found: set[Any] = await self._redis.smembers(keys.OPEN_SHOWS)
            return {show.decode() for show in found}
        except (wrong.RedisError, OSError) as error:
            raise Broken(str(error)) from error
