"""Handshakes get at most half of the loop: whoever is watching already must not feel who comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# After a step that took t the next one waits t more: half of the loop stays free.
REST_PER_WORK = 1.0


class Turnstile:
    """One step of one handshake at a time, then a rest as long as the step took."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()
        self.busy_s = 0.0
        self.steps = 0

    async def enter(self) -> None:
        """Wait for a turn. The caller's step runs in this very turn of the loop, before its next await."""
        await self._turn.acquire()
        asyncio.get_running_loop().call_soon(self._worked, self._clock())

    def _worked(self, began_s: float) -> None:
        took_s = self._clock() - began_s
        self.busy_s += took_s
        self.steps += 1
        asyncio.get_running_loop().call_later(REST_PER_WORK * took_s, self._turn.release)
