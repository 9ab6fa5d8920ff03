"""One viewer's quality: its player's reports in, the rendition and a probe's padding out.

Joins the pure rules of `domain/bandwidth.py` and `domain/ladder.py` to RTCP. Knows one path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..domain.bandwidth import Bandwidth
from ..domain.ladder import Ladder, Rung
from ..rtc.rtcp import ReportBlock

REPORT_SECONDS: Final = 0.4  # loss of a shorter time says little
REPORT_PACKETS: Final = 50  # and of fewer packets, unless more than a second has passed
CHOICE_SECONDS: Final = 0.1


@dataclass(slots=True)
class Wish:
    """Watch `rung`, and send `padding_bytes` of old packets beside it now."""

    rung: str
    padding_bytes: int


class Quality:
    """What one path bears, and what is made of it."""

    def __init__(self) -> None:
        self.path, self.ladder = Bandwidth(), Ladder()
        self._sent_bps = 0
        self._since: tuple[int, int, float] | None = None  # highest, lost, when
        self._asked: tuple[int, float] | None = None  # first own sequence of the window, when
        self._asked_for = 0  # packets that the player missed in it
        self._asked_to = 0  # the newest of them ever: a repeated request is no further loss
        self._chosen_s: float | None = None

    def heard_remb(self, bps: int, now: float) -> None:
        """A REMB of the player."""
        self.path.heard_remb(bps, now)

    def heard_report(self, block: ReportBlock, rtt: float | None, now: float) -> None:
        """A report block about the picture: gathered until it says something of loss."""
        if self._since is None:
            self._since = (block.highest, block.lost, now)
            return
        highest, lost, at = self._since
        expected, elapsed = (block.highest - highest) & 0xFFFFFFFF, now - at
        if elapsed < REPORT_SECONDS or (expected < REPORT_PACKETS and elapsed < 1.0):
            return
        self._since = (block.highest, block.lost, now)
        share = min(1.0, max(0, block.lost - lost) / expected) if 0 < expected < 1 << 16 else 0.0
        self.path.heard_report(share, rtt, self._sent_bps, now)

    def heard_nack(self, own: int, newest: int, now: float) -> None:
        """The player misses a packet that we sent (unwrapped own sequence), `newest` is the last one sent.

        NACKs come at once, and from every player: they tell of a narrow path before any report does.
        """
        if own <= self._asked_to:
            return
        self._asked_to = own
        if self._asked is None or now - self._asked[1] > 2 * REPORT_SECONDS:
            self._asked, self._asked_for = (own, now), 0
        self._asked_for += 1
        first, since = self._asked
        sent = newest - first
        if now - since >= REPORT_SECONDS and sent >= REPORT_PACKETS:
            self.path.heard_loss(min(1.0, self._asked_for / sent), self._sent_bps, now)
            self._asked, self._asked_for = (newest, now), 0

    def due(self, now: float) -> bool:
        """Whether to choose anew: at every beat while a probe's padding leaves, else ten times a second."""
        return self._chosen_s is None or self.path.probing or now - self._chosen_s >= CHOICE_SECONDS

    def choose(self, rungs: tuple[Rung, ...], now: float) -> Wish:
        """The rendition for now. `rungs`: lowest rate first, at least one."""
        elapsed = 0.0 if self._chosen_s is None else min(0.2, now - self._chosen_s)
        self._chosen_s = now
        step = self.ladder.step(rungs, self.path, now)
        self._sent_bps = next(rung.bps for rung in rungs if rung.name == step.rung) + step.padding_bps
        return Wish(step.rung, int(step.padding_bps * elapsed / 8))
