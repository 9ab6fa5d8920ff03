"""The encodings of its picture that a studio sends at once (simulcast, RFC 8853). Pure.

A relay gives each viewer the one that the viewer's path bears. The small ones go first when the
studio's own path is narrow: a small picture that comes is worth more than a large one that does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEIGHTS: Final = (720, 360, 180)
RIDS: Final = ("f", "h", "q")  # full, half, quarter
SHARES: Final = (1.0, 0.28, 0.05)  # of the largest picture's rate
MOST_BPS: Final = (20_000_000, 700_000, 150_000)
WORTH: Final = 0.4  # of its rate; with less a picture is not sent at all
MOST_LAYERS: Final = len(RIDS)


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding: its name (RFC 8851), size and full rate."""

    rid: str
    width: int
    height: int
    bps: int


def layers_of(count: int, largest_bps: int) -> tuple[Layer, ...]:
    """The largest `count` encodings, largest first."""
    return tuple(
        Layer(rid, height * 16 // 9, height, min(most, round(largest_bps * share)))
        for rid, height, share, most in zip(RIDS, HEIGHTS, SHARES, MOST_BPS, strict=True)
    )[:count]


def shared(total_bps: int, layers: tuple[Layer, ...]) -> dict[str, int]:
    """What each encoding may have of a rate for all, by rid; 0: it rests. The smallest never does."""
    rates: dict[str, int] = {}
    left = total_bps
    for layer in reversed(layers):
        rate = min(layer.bps, left)
        if rates and rate < WORTH * layer.bps:
            rate = 0
        rates[layer.rid] = rate = max(0, rate)
        left -= rate
    return rates
