"""How wide a path is, before anything is sent over it: a few equal datagrams at once, each answered.

They stand behind one another before the narrowest place, and their answers come as far apart as one takes
to pass it. The median of these gaps is believed: answers that a busy loop reads at once, or a radio
brings in bursts, make a path look wide and never narrow, and what is wide is treated as if nothing were
known. The first answer of all tells the round trip without a queue. Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

CARS: Final = 6  # they shall fit a queue of 0.1 s at 0.4 Mbit/s, beside the handshake
CAR_BYTES: Final = 800  # of STUN
BELOW_BYTES: Final = 28  # IP and UDP
ANSWERS_MIN: Final = 4
WIDE_BPS: Final = 4_500_000  # it may begin as if nothing were known: what any size of a picture needs, twice
GAP_SECONDS_MAX: Final = 0.05  # between two answers, or the rest was lost: 0.13 Mbit/s
GAPS_WAITED: Final = 2.5


@dataclass(slots=True)
class Train:
    """One peer's. `rtt_s`: the round trip that was seen first."""

    rtt_s: float | None = None
    _answers: list[float] = field(default_factory=list)
    _left_s: float | None = None

    def answered(self, sent_s: float, now: float) -> None:
        """The first of all, which leaves alone."""
        rtt_s = max(0.0, now - sent_s)
        self.rtt_s = rtt_s if self.rtt_s is None else min(rtt_s, self.rtt_s)

    def leave(self, now: float) -> None:
        """The cars leave now."""
        self._left_s = now

    def car_answered(self, now: float) -> None:
        """One of them was answered."""
        self._answers.append(now)

    @property
    def has_left(self) -> bool:
        """Whether the cars have left."""
        return self._left_s is not None

    def patience_s(self, now: float) -> float:
        """For how long answers may still come that tell something; 0.0: what is known is all."""
        if self._left_s is None or self.rtt_s is None or len(self._answers) >= CARS:
            return 0.0
        last = self._answers[-1] if self._answers else self._left_s + self.rtt_s
        wait_s = GAP_SECONDS_MAX
        if len(self._answers) >= ANSWERS_MIN:
            wait_s = 0.0 if self.bps() is None else GAPS_WAITED * self._gap_s()
        return max(0.0, last + wait_s - now)

    def _gap_s(self) -> float:
        gaps = sorted(later - sooner for sooner, later in itertools.pairwise(self._answers))
        return (gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2  # their median

    def bps(self) -> int | None:
        """What the path lets through; None where it is wide, or where too little is known."""
        if len(self._answers) < ANSWERS_MIN:
            return None
        gap_s, bits = self._gap_s(), (CAR_BYTES + BELOW_BYTES) * 8
        return None if gap_s * WIDE_BPS <= bits else int(bits / gap_s)
