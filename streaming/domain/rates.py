"""How often one source may ask: a token bucket each, in a bounded table. `now_s` is passed in. Pure.

The bucket used longest ago is forgotten first; it is a full one, unless more sources than the
table holds ask at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

SOURCES_MAX: Final = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, then `per_second`."""

    burst: float
    per_second: float

    def times(self, scale: int) -> Rate:
        """The rate made larger."""
        return Rate(self.burst * scale, self.per_second * scale)


class Buckets:
    """What each source has left."""

    def __init__(self, rate: Rate, most: int = SOURCES_MAX) -> None:
        self._rate, self._most = rate, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # source -> left, when
        self.refused = 0

    def __len__(self) -> int:
        return len(self._left)

    def wait(self, source: str, now_s: float) -> float:
        """0.0 when the source may ask now, else the seconds until it may; the refusal is counted."""
        left = self._now(source, now_s)
        if left >= 1:
            return 0.0
        self.refused += 1
        return (1 - left) / self._rate.per_second

    def charge(self, source: str, cost: float, now_s: float) -> None:
        """Take `cost`; a debt is possible, but never deeper than one burst."""
        left = max(-self._rate.burst, self._now(source, now_s) - cost)
        self._left[source] = (left, now_s)
        self._left.move_to_end(source)
        if len(self._left) > self._most:
            self._left.popitem(last=False)

    def _now(self, source: str, now_s: float) -> float:
        left, seen_s = self._left.get(source, (self._rate.burst, now_s))
        return min(self._rate.burst, left + (now_s - seen_s) * self._rate.per_second)
