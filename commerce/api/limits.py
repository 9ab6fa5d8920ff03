"""Rate limits of one front process: a token bucket for each source and each account.

`now_s` is monotonic and passed in. The table is bounded: the bucket used longest ago goes first,
which is a full one unless so many sources come at once that the operator has other worries.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_BUCKETS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, then `per_second`."""

    burst: float
    per_second: float

    def times(self, scale: int) -> Rate:
        """The rate made larger; 0 is no limit at all."""
        return Rate(self.burst * scale, self.per_second * scale) if scale else NO_LIMIT


NO_LIMIT: Final = Rate(float("inf"), float("inf"))


SOURCE_RATE: Final = Rate(burst=3_000, per_second=1_000)  # a carrier's whole city may share one address
ACCOUNT_RATE: Final = Rate(burst=80, per_second=20)
SIGN_IN_RATE: Final = Rate(burst=20, per_second=0.5)
PAIRING_RATE: Final = Rate(burst=10, per_second=0.1)  # devices of one source that ask to be paired
BIRTH_RATE: Final = Rate(burst=2_000, per_second=200)  # new buyers from one source


class Buckets:
    """Token buckets by name, all of one rate."""

    def __init__(self, rate: Rate, most: int = MOST_BUCKETS) -> None:
        self._rate, self._most = rate, most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.refused = 0

    def take(self, name: str, cost: float, now_s: float) -> float:
        """Take `cost` from the bucket: 0.0, or the seconds to wait when it holds too little."""
        if self._rate is NO_LIMIT:
            return 0.0
        left, seen = self._buckets.get(name, (self._rate.burst, now_s))
        left = min(self._rate.burst, left + (now_s - seen) * self._rate.per_second)
        wait = 0.0 if left >= cost else (cost - left) / self._rate.per_second
        if wait == 0.0:
            left -= cost
        else:
            self.refused += 1
        self._buckets[name] = (left, now_s)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait
