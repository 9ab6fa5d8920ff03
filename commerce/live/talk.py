"""What viewers say: hearts (and later chat). Not facts of the sale: capped, and free to be lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from redis.asyncio import Redis

from commerce.live import keys

TALK_KEPT: Final = 1_000
TALK_BLOCK_MS: Final = 1_000


class Talk:
    """The talk of any show."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def hearts(self, show: str) -> int:
        """Hearts so far."""
        return int(await self._redis.get(keys.hearts(show)) or 0)

    async def send_hearts(self, show: str, count: int) -> int:
        """Add hearts (a front sums them for a moment first) and tell who listens. The new total."""
        total = int(await self._redis.incrby(keys.hearts(show), count))
        await self._redis.xadd(
            keys.talk(show), {"kind": "hearts", "count": total}, maxlen=TALK_KEPT, approximate=True
        )
        return total

    async def follow(self, show: str, after: str = "$") -> AsyncIterator[tuple[str, str, int]]:
        """(id, kind, count) of everything said after the id, for ever; kind is "hearts" so far.

        Blocks its connection. Raises redis errors when that goes: follow again from the last id.
        """
        while True:
            found = await self._redis.xread({keys.talk(show): after}, count=100, block=TALK_BLOCK_MS)
            for _, entries in found or ():
                for entry_id, fields in entries:
                    after = entry_id.decode()
                    yield after, fields[b"kind"].decode(), int(fields[b"count"])
