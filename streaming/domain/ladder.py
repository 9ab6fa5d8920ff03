"""Which rendition a viewer gets: down at once when the path says so, up only after a probe.

The rungs of a ladder are the renditions that a feed sends, each with its measured rate. Stepping
down needs no proof; the picture rests while the queue drains that the old rendition filled, so that
the new one's keyframe comes through whole. Stepping up does need one, because a player's estimate
never asks for more. A climb that does not last makes the next one wait, so that a path between two
rungs is not climbed for ever. Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from .bandwidth import Bandwidth
from .sounding import Sounding

FITS: Final = 1.05  # of the ceiling: a REMB falls to 0.85 of what arrives, and that is what the path bears
TOLERATED: Final = 1.15  # of the ceiling, for what one watches already: a REMB of 0.85 is no reason to leave
PROBE_HEADROOM: Final = 1.1  # a probe asks for a little more than the rung needs
CALM_SECONDS: Final = 1.5  # behind a step down, before more is tried
SOUND_EVERY_SECONDS: Final = 1.8  # every second report, where the last burst found no depth
PROBE_EVERY_SECONDS: Final = 2.0
FAILURES_MAX: Final = 1  # a blind probe that fails makes the next wait twice as long
BETTER: Final = 0.75  # of the round trip's growth before a probe that failed; else it would fail again
FAILED_SECONDS: Final = 15.0  # so long
HELD_SECONDS: Final = 8.0  # a climb that lasts shorter has failed
SLIP_WAIT_SECONDS: Final = 4.0
SLIP_WAIT_SECONDS_MAX: Final = 30.0
SETTLE_SECONDS: Final = 0.8  # after a failed probe a queue drains: what is heard is of the past
DRAIN_SECONDS: Final = 0.8  # after a step down; what the player estimates is of the past
KEYFRAME_SECONDS: Final = 0.1  # from asking for one until it leaves
REST_SECONDS_MAX: Final = 0.35


class Rung(NamedTuple):
    """One rendition: its name (rid), and what watching it takes: headers and sound included."""

    name: str
    bps: int


class Step(NamedTuple):
    """What to do now: watch `rung`, send `padding_bps` beside it; or nothing for a moment."""

    rung: str
    padding_bps: int = 0
    rests: bool = False


@dataclass(slots=True)
class _Climb:
    to: str
    at: float


class Ladder:
    """One viewer's place on a ladder; `step` is called a few times a second, `sound` before each report."""

    def __init__(self) -> None:
        self.steps_down = 0
        self.steps_up = 0
        self._current: str | None = None
        self._rests_until: float | None = None
        self._next_try_at = float("-inf")
        self._target: Rung | None = None
        self._climb: _Climb | None = None
        self._slips: dict[str, tuple[int, float]] = {}  # how often in a row, until when it is left alone
        self._failures = 0  # of probes in a row
        self._probed_grew_s = 0.0  # the sounding before the newest probe
        self._failed: tuple[float, float] = (float("inf"), 0.0)  # the one before a probe that failed, when
        self._is_next_borne = False  # a probe for more than the next rung failed; for that one it may not

    def step(self, rungs: tuple[Rung, ...], path: Bandwidth, now: float) -> Step:
        """Choose among `rungs` (lowest rate first, at least one). The first choice is the highest that
        nothing speaks against: a browser shows a sharp picture at once or falls within a second."""
        here = self._index(rungs, path, now)
        below = self._down(rungs, here, path, now)
        if self._rests_until is not None:
            return Step(rungs[here].name, rests=True)
        rung = rungs[self._up(rungs, below, path, now) if below == here else below]
        padding = 0
        if self._target is not None:
            more = max(0, int(self._target.bps * PROBE_HEADROOM) - rung.bps)
            padding = int(more * path.padding_share(now))
        self._current = rung.name
        return Step(rung.name, padding)

    def forget(self, now: float) -> None:
        """The path is another one: neither what failed nor what is under way means anything on it."""
        down, up, current = self.steps_down, self.steps_up, self._current
        self.__init__()  # type: ignore[misc]  # everything is as at the beginning, but for these
        self.steps_down, self.steps_up, self._current = down, up, current
        self._next_try_at = now + CALM_SECONDS

    def _index(self, rungs: tuple[Rung, ...], path: Bandwidth, now: float) -> int:
        """Where we stand; a rung that is gone is replaced by the best that fits."""
        for number, rung in enumerate(rungs):
            if rung.name == self._current:
                return number
        self._next_try_at = max(self._next_try_at, now + CALM_SECONDS)
        return self._fitting(rungs, path.ceiling(now))

    @staticmethod
    def _fitting(rungs: tuple[Rung, ...], ceiling: int | None) -> int:
        if ceiling is None:
            return len(rungs) - 1
        fitting = [n for n, rung in enumerate(rungs) if rung.bps <= ceiling * FITS]
        return fitting[-1] if fitting else 0

    # -- down --------------------------------------------------------------------------------------

    def _down(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        if self._rests_until is None:
            limit = path.urgent(now)
            is_borne = limit is None or rungs[here].bps <= limit * TOLERATED
            if here == 0 or (is_borne and not path.recurs(now)):
                return here
            self._leave(rungs[here].name, path, now)
        if self._rests_until is not None and now < self._rests_until:
            return here
        self._rests_until = None
        there = max(0, min(self._fitting(rungs, path.ceiling(now)), here - 1))
        self.steps_down += 1
        path.rest(now)
        return there

    def _leave(self, rung: str, path: Bandwidth, now: float) -> None:
        climb, self._climb = self._climb, None
        if climb is not None and climb.to == rung and now - climb.at < HELD_SECONDS:
            slips = self._slips.get(rung, (0, 0.0))[0] + 1
            wait_s = min(SLIP_WAIT_SECONDS_MAX, SLIP_WAIT_SECONDS * 2 ** (slips - 1))
            self._slips[rung] = (slips, now + wait_s)
        else:
            self._slips.pop(rung, None)
        self._rests_until = now + min(REST_SECONDS_MAX, max(0.0, path.queue_s - KEYFRAME_SECONDS))
        self._target, self._is_next_borne, path.sounding = None, False, None
        self._next_try_at = self._rests_until + CALM_SECONDS

    # -- up ----------------------------------------------------------------------------------------

    def sound(self, rungs: tuple[Rung, ...], path: Bandwidth, now: float) -> int:
        """The rate for which the path should be sounded by the report that leaves now; 0: not now."""
        here = next((n for n, rung in enumerate(rungs) if rung.name == self._current), len(rungs) - 1)
        target = self._next(rungs, here, now)
        if target is None or path.sounding is not None or not path.answers or not self._may_try(path, now):
            return 0
        return int(target.bps * PROBE_HEADROOM)

    def _may_try(self, path: Bandwidth, now: float) -> bool:
        resting = self._rests_until is not None or path.probing
        return not resting and now >= self._next_try_at and path.calm(now)

    def _next(self, rungs: tuple[Rung, ...], here: int, now: float) -> Rung | None:
        """The rung above, unless it slipped lately."""
        if here >= len(rungs) - 1 or now < self._slips.get(rungs[here + 1].name, (0, now))[1]:
            return None
        return rungs[here + 1]

    def _up(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        if self._climb is not None and now - self._climb.at >= HELD_SECONDS:
            self._slips.pop(self._climb.to, None)
            self._climb = None
        if path.probing:
            return self._judge(rungs, here, path, now)
        target = self._next(rungs, here, now)
        if path.sounding is not None:
            self._sounded(rungs, here, path.sounding, path, now)
        elif target is not None and self._may_try(path, now) and (self._is_next_borne or path.is_mute(now)):
            self._probe(target, path, now, steep=False)
        return here

    def _sounded(
        self, rungs: tuple[Rung, ...], here: int, sounding: Sounding, path: Bandwidth, now: float
    ) -> None:
        """A burst was sent: a probe for the highest rung that it speaks for."""
        depth = sounding.look(now)
        if depth == "waiting":
            return
        path.sounding = None
        target = self._next(rungs, here, now)
        grew_s, failed_s = self._failed
        would_fail = now - failed_s < FAILED_SECONDS and sounding.grew_s > BETTER * grew_s
        # An answer that does not come was lost behind its burst.
        if depth != "deep" or target is None or would_fail:
            self._next_try_at = sounding.at + SOUND_EVERY_SECONDS
            return
        for number in range(here + 1, len(rungs) - 1):
            higher = self._next(rungs, number, now)
            if higher is None or not sounding.bears(int(higher.bps * PROBE_HEADROOM)):
                break
            target = higher
        self._probe(target, path, now, steep=True, grew_s=sounding.grew_s)

    def _probe(self, target: Rung, path: Bandwidth, now: float, *, steep: bool, grew_s: float = 0.0) -> None:
        self._target, self._is_next_borne, self._probed_grew_s = target, False, grew_s
        path.begin_probe(now, steep=steep)

    def _judge(self, rungs: tuple[Rung, ...], here: int, path: Bandwidth, now: float) -> int:
        verdict = path.verdict(now)
        if verdict == "going":
            return here
        target, self._target = self._target, None
        there = next((n for n, rung in enumerate(rungs) if target and rung.name == target.name), here)
        if verdict == "failed":
            self._is_next_borne = there > here + 1
            wait_s = PROBE_EVERY_SECONDS * 2 ** min(self._failures, FAILURES_MAX)
            self._failures += not path.answers
            if self._probed_grew_s and not self._is_next_borne:
                self._failed = self._probed_grew_s, now
            self._next_try_at = now + (SETTLE_SECONDS if self._is_next_borne else wait_s)
            path.rest(now + SETTLE_SECONDS)
            return here
        if there <= here:
            return here
        self.steps_up += 1
        self._failures, self._next_try_at, self._failed = 0, now, (float("inf"), 0.0)
        self._climb = _Climb(rungs[there].name, now)
        return there
