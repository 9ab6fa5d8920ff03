"""One viewer's quality: its player's reports in, the rendition and a probe's padding out.

Joins the pure rules of `domain/bandwidth.py` and `domain/ladder.py` to RTCP. Knows one path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..domain.bandwidth import START_BYTES_MAX, Bandwidth
from ..domain.ladder import Ladder, Rung
from ..domain.overflow import Arrival, Left
from ..domain.sounding import Sounding, burst_bytes
from ..rtc.rtcp import ReportBlock

REPORT_SECONDS: Final = 0.4  # loss of a shorter time says little
REPORT_PACKETS: Final = 50  # and of fewer packets, unless more than a second has passed
BURST_SECONDS: Final = 0.3  # of what a path bears, at once: usual queues are so long
KEYFRAME_PASSES_SECONDS: Final = 0.25
CHOICE_SECONDS: Final = 0.09  # below a quiet beat, so that none is missed


@dataclass(slots=True)
class Wish:
    """Watch `rung`, and send `padding_bytes` of old packets now; or nothing while the path drains."""

    rung: str
    padding_bytes: int
    rests: bool = False


class Quality:
    """What one path bears, and what is made of it."""

    def __init__(self) -> None:
        self.path, self.ladder = Bandwidth(), Ladder()
        self._sent_bps = self._rung_bps = 0
        self._since: tuple[int, int, float] | None = None  # highest, lost, when
        self._first = 0  # own sequence that the stream began with
        self._asked_to = 0  # the newest packet ever asked for: a repeated request is no further loss
        self._sounded: tuple[int, ...] = ()  # the reports behind the newest bursts
        self._rungs: tuple[Rung, ...] = ()
        self._chosen_s: float | None = None
        self._passed_over = False  # the newest report, for the keyframe before it

    def begin(self, first_own: int, now: float) -> None:
        """Another stream leaves from this own sequence on: what is said of earlier ones is of the past."""
        self._first = first_own
        self._since = None
        self.path.begin(now)

    def forget(self, now: float) -> int:
        """The path is another one; what is watched stays until more is known. The bytes that the old one took
        at once: the line behind it may be the same."""
        room_bytes = self.room_bytes(now)
        self.path, self._since, self._sounded = Bandwidth(), None, ()
        self.path.begin(now)
        self.ladder.forget(now)
        return room_bytes

    def heard_remb(self, bps: int, now: float) -> None:
        """A REMB of the player."""
        self.path.heard_remb(bps, now)

    def heard_report(
        self, block: ReportBlock, rtt: float | None, left: Left | None, following: Left | None, now: float
    ) -> None:
        """A report block about the picture. `left`: when its highest sequence left, `following`: the next."""
        if rtt is not None:
            self.path.heard_answer(block.last_report, rtt)
            if block.last_report not in self._sounded:  # else it is the burst's doing
                self.path.heard_round_trip(rtt, now)
        if block.highest < self._first:  # nothing of the stream has come so far
            return
        if left is not None:
            self.path.heard_arrival(Arrival(block.highest, block.lost, left, following), now)
        if self._since is None:
            self._since = (block.highest, block.lost, now)
            return
        highest, lost, at = self._since
        expected, elapsed = (block.highest - highest) & 0xFFFFFFFF, now - at
        if elapsed < REPORT_SECONDS or (expected < REPORT_PACKETS and elapsed < 1.0):
            return
        self._since = (block.highest, block.lost, now)
        share = min(1.0, max(0, block.lost - lost) / expected) if 0 < expected < 1 << 16 else 0.0
        self.path.heard_loss(share, self._sent_bps, at, now)

    def heard_nack(self, own: int, left: Left | None, now: float) -> None:
        """The player misses a packet (unwrapped own sequence) that left then. NACKs come at once, and from
        every player: they tell of a narrow path before any report does."""
        if own <= self._asked_to or own < self._first:
            return
        self._asked_to = own
        self.path.heard_missed(own, left, now)
        if self.path.urgent(now) is not None:
            self._chosen_s = None  # to be looked at with the next beat

    def due(self, now: float) -> bool:
        """Whether to choose anew: at every beat while a probe's padding leaves, else ten times a second."""
        return self._chosen_s is None or self.path.probing or now - self._chosen_s >= CHOICE_SECONDS

    def choose(self, rungs: tuple[Rung, ...], now: float, *, sound_bps: int = 0) -> Wish:
        """The rendition for now. `rungs`: lowest rate first, at least one, sound included."""
        self.path.sound_bps = sound_bps
        elapsed = 0.0 if self._chosen_s is None else min(0.2, now - self._chosen_s)
        self._chosen_s, self._rungs = now, rungs
        step = self.ladder.step(rungs, self.path, now)
        self._rung_bps = next(rung.bps for rung in rungs if rung.name == step.rung)
        self._sent_bps = self._rung_bps + step.padding_bps
        return Wish(step.rung, int(step.padding_bps * elapsed / 8), step.rests)

    def room_bytes(self, now: float) -> int:
        """What the path takes at once."""
        bears_bps = self.path.ceiling(now)
        return START_BYTES_MAX if bears_bps is None else int(bears_bps / 8 * BURST_SECONDS)

    def may_repeat(self, times: int) -> bool:
        """Whether the path bears the sound so many times more beside what is watched."""
        return self.path.bears(self._rung_bps + times * self.path.sound_bps)

    def sound(self, report: int, now: float, *, keyframe_s: float = float("-inf")) -> int:
        """A sender report of this middle NTP time leaves now: how many bytes of padding leave before it.

        Not behind a keyframe, which stands in the same queue: every second report may have one before it.
        """
        sounding = self.path.sounding
        if sounding is not None and sounding.depth == "waiting" and sounding.second_report is None:
            sounding.again(report, now)
        else:
            wanted_bps = self.ladder.sound(self._rungs, self.path, now) if self._rungs else 0
            self._passed_over = not self._passed_over and now - keyframe_s < KEYFRAME_PASSES_SECONDS
            if not wanted_bps or self._passed_over:
                return 0
            sounding = Sounding(report, now, burst_bytes(wanted_bps), wanted_bps)
        self._sounded = (*self._sounded[-1:], report)
        self.path.begin_sounding(sounding, now)
        return sounding.burst_bytes
