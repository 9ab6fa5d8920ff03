"""Time for a desk: a monotonic clock of its own, and what Redis says the time is."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The only time a desk knows; the simulation has one of its own."""

    def monotonic_ms(self) -> float:
        """Milliseconds that never go back."""

    async def sleep(self, ms: float) -> None:
        """Wait."""


class RealClock:
    """The clock of this machine. A suspended machine stops it; the log's versions fence what follows."""

    def monotonic_ms(self) -> float:
        return time.monotonic() * 1_000

    async def sleep(self, ms: float) -> None:
        await asyncio.sleep(ms / 1_000)
