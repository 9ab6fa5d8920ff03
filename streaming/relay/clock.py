"""The relay's clock: one monotonic time for all durations, tied once to the wall."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Clock:
    """`now()` in seconds that never go back; `unix` says what moment of 1970's era it is."""

    now: Callable[[], float] = time.monotonic
    offset_s: float = field(default_factory=lambda: time.time() - time.monotonic())

    def unix(self, now: float) -> float:
        """Seconds since 1970 at a moment of this clock."""
        return now + self.offset_s

    def unix_ms(self, now: float) -> int:
        """Milliseconds since 1970 at a moment of this clock."""
        return int(self.unix(now) * 1000)
