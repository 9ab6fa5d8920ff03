"""Hearts on their way up: summed for a tenth of a second, then told to the store in one call a show."""

from __future__ import annotations

import asyncio
from typing import Final

from commerce.live.sessions import STORE_ERRORS, Store
from commerce.live.talk import Talk

GATHER_SECONDS: Final = 0.1
MOST_SHOWS: Final = 1_000


class Hearts:
    """Adds up the hearts of each show. A store that is away loses them: they are no facts of the sale."""

    def __init__(self, redis: Store) -> None:
        self._talk = Talk(redis)
        self._sums: dict[str, int] = {}
        self._sender: asyncio.Task[None] | None = None
        self.dropped = 0

    def add(self, show: str, count: int) -> None:
        """Count hearts of a show; they are on their way within a tenth of a second."""
        if show not in self._sums and len(self._sums) >= MOST_SHOWS:
            self.dropped += count
            return
        self._sums[show] = self._sums.get(show, 0) + count
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send(), name="hearts")

    async def _send(self) -> None:
        while self._sums:
            await asyncio.sleep(GATHER_SECONDS)
            sums, self._sums = self._sums, {}
            for show, count in sums.items():
                try:
                    await self._talk.send_hearts(show, count)
                except STORE_ERRORS:
                    self.dropped += count

    async def aclose(self) -> None:
        """Send what is left, or let it go after a second."""
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=1)
            self._sender.cancel()
