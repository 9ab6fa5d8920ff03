"""One viewer's quality: its player's reports in, the rendition and a probe's padding out.

Joins the pure rules of `domain/bandwidth.py` and `domain/ladder.py` to RTCP. Knows one path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..domain.bandwidth import CHOKING_LOSS, Bandwidth
from ..domain.ladder import Ladder, Rung
from ..domain.sounding import Sounding
from ..rtc.rtcp import ReportBlock

REPORT_SECONDS: Final = 0.4  # loss of a shorter time says little
REPORT_PACKETS: Final = 50  # and of fewer packets, unless more than a second has passed
CHOKING_PACKETS: Final = 12  # missed so close together that no longer look is needed
CHOICE_SECONDS: Final = 0.09  # below a quiet beat, so that none is missed
SOUND_BEHIND_SECONDS: Final = 0.25


@dataclass(slots=True)
class Wish:
    """Watch `rung`, and send `padding_bytes` of old packets now; with a sender report behind them where
    the path is sounded."""

    rung: str
    padding_bytes: int
    sounds: bool = False


class Quality:
    """What one path bears, and what is made of it."""

    def __init__(self) -> None:
        self.path, self.ladder = Bandwidth(), Ladder()
        self._sent_bps = 0
        self._since: tuple[int, int, float] | None = None  # highest, lost, when
        self._asked: tuple[int, float] | None = None  # first own sequence of the window, when
        self._sounded: int | None = None  # the report behind the newest burst
        self._asked_for = 0  # packets that the player missed in it
        self._asked_to = 0  # the newest of them ever: a repeated request is no further loss
        self._chosen_s: float | None = None

    def heard_remb(self, bps: int, now: float) -> None:
        """A REMB of the player."""
        self.path.heard_remb(bps, now)

    def heard_report(self, block: ReportBlock, rtt: float | None, now: float) -> None:
        """A report block about the picture: gathered until it says something of loss."""
        if rtt is not None:
            self.path.heard_answer(block.last_report, rtt)
        if block.last_report == self._sounded:
            rtt = None  # the burst's doing
        if self._since is None:
            self._since = (block.highest, block.lost, now)
            return
        highest, lost, at = self._since
        expected, elapsed = (block.highest - highest) & 0xFFFFFFFF, now - at
        if elapsed < REPORT_SECONDS or (expected < REPORT_PACKETS and elapsed < 1.0):
            return
        self._since = (block.highest, block.lost, now)
        share = min(1.0, max(0, block.lost - lost) / expected) if 0 < expected < 1 << 16 else 0.0
        self.path.heard_report(share, rtt, self._sent_bps, now, at)

    def heard_nack(self, own: int, newest: int, now: float) -> None:
        """The player misses a packet that we sent (unwrapped own sequence), `newest` is the last one sent.

        NACKs come at once, and from every player: they tell of a narrow path before any report does.
        """
        if own <= self._asked_to:
            return
        self._asked_to = own
        self.path.missed(1)
        if self._asked is None or now - self._asked[1] > 2 * REPORT_SECONDS:
            self._asked, self._asked_for = (own, now), 0
        self._asked_for += 1
        first, since = self._asked
        sent = newest - first
        share = min(1.0, self._asked_for / sent) if sent > 0 else 0.0
        is_choking = self._asked_for >= CHOKING_PACKETS and share > CHOKING_LOSS
        if is_choking:
            self._chosen_s = None  # to be looked at with the next beat
        if is_choking or (now - since >= REPORT_SECONDS and sent >= REPORT_PACKETS):
            self.path.heard_loss(share, self._sent_bps, since)
            self._asked, self._asked_for = (newest, now), 0

    def due(self, now: float) -> bool:
        """Whether to choose anew: at every beat while a probe's padding leaves, else ten times a second."""
        return self._chosen_s is None or self.path.probing or now - self._chosen_s >= CHOICE_SECONDS

    def choose(self, rungs: tuple[Rung, ...], now: float, *, reported_s: float) -> Wish:
        """The rendition for now. `rungs`: lowest rate first, at least one. `reported_s`: when the last
        sender report left: right behind it a sounding's own is the newest when the player reports."""
        elapsed = 0.0 if self._chosen_s is None else min(0.2, now - self._chosen_s)
        self._chosen_s = now
        may_sound = now - reported_s < SOUND_BEHIND_SECONDS
        step = self.ladder.step(rungs, self.path, now, may_sound=may_sound)
        self._sent_bps = next(rung.bps for rung in rungs if rung.name == step.rung) + step.padding_bps
        return Wish(step.rung, step.burst_bytes or int(step.padding_bps * elapsed / 8), step.burst_bytes > 0)

    def sounded(self, report: int, burst_bytes: int, now: float) -> None:
        """The burst has left, with a report of this middle NTP time behind it."""
        self.path.sounding, self._sounded = Sounding(report, now, burst_bytes), report
