"""Whether and when a player's picture fitted its road: sizes seen against rates given. Pure."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

FITS: Final = 0.93  # of a road may be the rendition with its sound; the rest is RTCP, checks, repair
JOIN_SECONDS: Final = 2.0  # a join may begin with a smaller burst, on purpose


@dataclass(frozen=True, slots=True)
class Road:
    """What a player's road bore: (from which second on, bit/s), the first from the beginning."""

    player: str
    rates: tuple[tuple[float, int], ...]


def best_width(rate_bps: int, sizes: dict[int, int]) -> int:
    """The widest picture that a road bears; `sizes`: bit/s by width. The smallest where none fits."""
    return max((w for w, bps in sizes.items() if bps <= FITS * rate_bps), default=min(sizes))


def judge(road: Road, seen: list[tuple[float, int]], sizes: dict[int, int], end_s: float) -> dict[str, Any]:
    """Seconds until the picture fitted: after a start on a narrow road, after each drop, after each recovery
    (None: not before the next change); and changes of mind while the road stayed the same."""
    starts: list[float | None] = []
    fits: list[float | None] = []
    climbs: list[float | None] = []
    swings = 0
    spans = zip(road.rates, [*(at for at, _ in road.rates[1:]), end_s], strict=True)
    before = max(sizes)
    for number, ((began, rate), until) in enumerate(spans):
        want = best_width(rate, sizes)
        at_first = _width_at(began, seen, before)
        walk = [(at, w) for at, w in seen if began < at <= until]
        joined = began if number else began + JOIN_SECONDS
        swings += _swings([_width_at(joined, seen, before), *(w for at, w in walk if at > joined)])
        if want < at_first:
            (fits if number else starts).append(_since(began, [(at, w <= want) for at, w in walk]))
        elif want > at_first and number:
            climbs.append(_since(began, [(at, w >= want) for at, w in walk]))
        before = want
    return {"starts": starts, "fits": fits, "climbs": climbs, "swings": swings}


def _width_at(second: float, seen: list[tuple[float, int]], before: int) -> int:
    return next((width for at, width in reversed(seen) if at <= second), before)


def _swings(widths: list[int]) -> int:
    """Turns of direction."""
    ways = [later > sooner for sooner, later in itertools.pairwise(widths) if later != sooner]
    return sum(one != other for one, other in itertools.pairwise(ways))


def _since(began: float, holds: list[tuple[float, bool]]) -> float | None:
    """From when on it held for the first time."""
    return next((at - began for at, does in holds if does), None)
