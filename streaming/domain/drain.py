"""How a relay that ends lets its viewers go: not before the shop seats nobody here, then evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

HEARD_SECONDS: Final = 1.2  # until every front has read in the registry that we leave


@dataclass(frozen=True, slots=True)
class Drain:
    """Begun at `began_s`; the last viewer leaves `seconds` later at the latest."""

    began_s: float
    seconds: float

    def over(self, now: float) -> bool:
        """Whether nobody may stay."""
        return now >= self.began_s + self.seconds

    def leaving(self, viewers: int, stayed_s: float, now: float) -> int:
        """How many of `viewers` go now, when the last look was `stayed_s` ago."""
        left_s = self.began_s + self.seconds - now
        if self.over(now):
            return viewers
        if now - self.began_s < min(HEARD_SECONDS, self.seconds):
            return 0
        return min(viewers, math.ceil(viewers * stayed_s / (left_s + stayed_s)))
