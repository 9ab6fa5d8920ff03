"""Which rendition a viewer gets: down at once when the path says so, up only after a probe.

The rungs of a ladder are the renditions that a feed sends, each with its measured rate. Stepping
down needs no proof; stepping up does, because a player's estimate never asks for more. A climb that
does not last makes the next one wait, so that a path between two rungs is not climbed for ever.
Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from .bandwidth import Bandwidth
from .sounding import Sounding, burst_bytes

FITS: Final = 1.05  # of the ceiling: a REMB falls to 0.85 of what arrives, and that is what the path bears
TOLERATED: Final = 1.15  # of the ceiling, for what one watches already: a REMB of 0.85 is no reason to leave
PROBE_HEADROOM: Final = 1.1  # a probe asks for a little more than the rung needs
PROBE_EVERY_SECONDS: Final = 1.5  # with sounding, probe and verdict a climb then comes within 5 s
SOUND_EVERY_SECONDS: Final = 0.5
SILENCES: Final = (
    2  # of a player that answers else, in a row: its reports miss the soundings; a probe has to tell
)
FAILURES_MAX: Final = 2  # a probe that fails makes the next wait twice as long, up to 6 s
HELD_SECONDS: Final = 8.0  # a climb that lasts shorter has failed
SLIP_WAIT_SECONDS_MAX: Final = 30.0
SETTLE_SECONDS: Final = 1.2  # after a failed probe a queue drains: what is heard is of the past
DRAIN_SECONDS: Final = 0.8  # after a step down; shorter, for one more may be needed


class Rung(NamedTuple):
    """One rendition: its name (rid), and what watching it takes: headers and sound included."""

    name: str
    bps: int


class Step(NamedTuple):
    """What to do now: watch `rung`, send `padding_bps` beside it, and a burst that sounds the path."""

    rung: str
    padding_bps: int
    burst_bytes: int = 0


@dataclass(slots=True)
class _Climb:
    to: str
    at: float


class Ladder:
    """One viewer's place on a ladder; `step` is called a few times a second."""

    def __init__(self) -> None:
        self.steps_down = 0
        self.steps_up = 0
        self._current: str | None = None
        self._changed_at = float("-inf")
        self._settled_at = float("-inf")
        self._next_probe_at: float | None = None
        self._target: Rung | None = None
        self._climb: _Climb | None = None
        self._slips: dict[str, int] = {}
        self._is_climbing = False  # the last probe passed: the next follows at once
        self._failures = 0  # of probes in a row
        self._may_sound = True
        self._silences = 0  # soundings in a row without an answer
        self._deep: Sounding | None = None  # the last that passed well
        self._burst = 0

    def step(self, rungs: tuple[Rung, ...], path: Bandwidth, now: float, *, may_sound: bool = True) -> Step:
        """Choose among `rungs` (lowest rate first, at least one). The first choice is the highest that
        nothing speaks against: a browser shows a sharp picture at once or falls within a second."""
        here = self._index(rungs, path, now)
        here = self._down(rungs, here, path, now)
        self._burst, self._may_sound = 0, may_sound
        here = self._up(rungs, here, path, now)
        rung = rungs[here]
        padding = 0
        if self._target is not None:
            more = max(0, int(self._target.bps * PROBE_HEADROOM) - rung.bps)
            padding = int(more * path.padding_share(now))
        self._current = rung.name
        return Step(rung.name, padding, self._burst)

    def _index(self, rungs: tuple[Rung, ...], path: Bandwidth, now: float) -> int:
        """Where we stand; a rung that is gone is replaced by the best that fits."""
        for number, rung in enumerate(rungs):
            if rung.name == self._current:
                return number
        self._changed_at = now
        self._next_probe_at = now + PROBE_EVERY_SECONDS
        return self._fitting(rungs, path.ceiling(now))

    @staticmethod
    def _fitting(rungs: tuple[Rung, ...], ceiling: int | None) -> int:
        if ceiling is None:
            return len(rungs) - 1
        fitting = [n for n, rung in enumerate(rungs) if rung.bps <= ceiling * FITS]
        return fitting[-1] if fitting else 0

    def _down(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        ceiling = path.ceiling(now)
        if here == 0 or ceiling is None or rungs[here].bps <= ceiling * TOLERATED:
            return here
        if now < self._settled_at or not path.confirmed():
            return here
        self._is_climbing = False
        there = min(self._fitting(rungs, ceiling), here - 1)
        self._slipped(rungs[here].name, now)
        self.steps_down += 1
        self._changed_at, self._target = now, None
        self._settled_at = now + DRAIN_SECONDS
        path.rest(self._settled_at)
        self._next_probe_at = now + PROBE_EVERY_SECONDS
        return there

    def _slipped(self, rung: str, now: float) -> None:
        climb, self._climb = self._climb, None
        if climb is not None and climb.to == rung and now - climb.at < HELD_SECONDS:
            self._slips[rung] = self._slips.get(rung, 0) + 1
        else:
            self._slips.pop(rung, None)

    def _up(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        if path.probing:
            return self._judge(rungs, here, path, now)
        if self._climb is not None and now - self._climb.at >= HELD_SECONDS:
            self._slips.pop(self._climb.to, None)
            self._climb = None
        if here == len(rungs) - 1 or not path.calm(now):
            path.sounding = None
            return here
        target = rungs[here + 1]
        if path.sounding is not None:
            self._sounded(target, path, now)
        elif now >= max(self._next_probe_at or now, self._changed_at + self._wait_for(target.name)):
            wanted_bps = int(target.bps * PROBE_HEADROOM)
            deep, self._deep = self._deep, None
            if self._is_climbing and deep is not None and deep.bears(wanted_bps):
                self._target = target
                path.begin_probe(now, steep=True)
            elif self._may_sound:
                self._burst = burst_bytes(wanted_bps)
        return here

    def _sounded(self, target: Rung, path: Bandwidth, now: float) -> None:
        """A burst was sent: a probe where it passed well, or where no answer came."""
        sounding = path.sounding
        depth = "silent" if sounding is None else sounding.look(now)
        if depth == "waiting":
            return
        path.sounding = None
        self._silences = self._silences + 1 if depth == "silent" else 0
        # Where the answer to one alone does not come, it was lost behind its burst: the path is narrow.
        is_lost = depth == "silent" and path.answers and self._silences < SILENCES
        if depth == "shallow" or is_lost:
            self._next_probe_at, self._is_climbing = now + SOUND_EVERY_SECONDS, False
            return
        self._deep = sounding
        self._target = target
        path.begin_probe(now, steep=depth == "deep")

    def _judge(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        verdict = path.verdict(now)
        if verdict == "going":
            return here
        target, self._target = self._target, None
        self._is_climbing = verdict == "passed"
        self._next_probe_at = now + PROBE_EVERY_SECONDS * 2 ** min(self._failures, FAILURES_MAX)
        if verdict == "failed" or target is None:
            self._failures += 1
            self._settled_at = now + SETTLE_SECONDS
            path.rest(self._settled_at)
            return here
        there = next((n for n, rung in enumerate(rungs) if rung.name == target.name), here)
        if there <= here:
            return here
        self.steps_up += 1
        self._failures = 0
        self._changed_at, self._climb = now, _Climb(target.name, now)
        self._next_probe_at = now
        return there

    def _wait_for(self, rung: str) -> float:
        """How long a rung that slipped is left alone: doubling from 3 s to 30 s; 0 when it never did."""
        slips = self._slips.get(rung, 0)
        return min(SLIP_WAIT_SECONDS_MAX, 3.0 * 2 ** (slips - 1)) if slips else 0.0
