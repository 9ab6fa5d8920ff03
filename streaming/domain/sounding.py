"""How deep a path is, asked without harm: one burst of padding with a sender report right behind it.

The report waits in the bottleneck's queue until the burst has passed, and the player's next receiver
report (RFC 3550 section 6.4.1) tells for how long. A burst that takes `BURST_SECONDS` at the rate one
would like to send makes nobody's picture late, and where it takes much longer that rate does not
fit: no need to overfill the path to learn it. Every player answers; none has to estimate. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

BURST_SECONDS: Final = 0.06  # of the rate in question
SLACK: Final = 1.15  # pictures stand in the queue too
TREMBLE_SECONDS: Final = 0.012
ANSWER_SECONDS: Final = 1.3  # players report once a second or more often

Depth: TypeAlias = Literal["waiting", "deep", "shallow", "silent"]


@dataclass(slots=True)
class Sounding:
    """One burst, sent at `at` seconds; `report`: the middle of its sender report's NTP time."""

    report: int
    at: float
    burst_bytes: int = 0
    depth: Depth = "waiting"
    grew_s: float = 0.0  # by how much the round trip was longer

    def heard(self, last_report: int, round_trip: float, shortest: float) -> None:
        """A receiver report whose LSR is `last_report`; times in seconds."""
        if last_report == self.report:
            self.grew_s = round_trip - shortest
            is_deep = self.grew_s <= SLACK * BURST_SECONDS + TREMBLE_SECONDS
            self.depth = "deep" if is_deep else "shallow"

    def bears(self, bps: int) -> bool:
        """Whether the burst passed so quickly that even this rate may be tried."""
        return self.depth == "deep" and self.grew_s <= self.burst_bytes * 8 / bps + TREMBLE_SECONDS

    def look(self, now: float) -> Depth:
        """What is known by now."""
        if self.depth == "waiting" and now - self.at > ANSWER_SECONDS:
            self.depth = "silent"
        return self.depth


def burst_bytes(bps: int) -> int:
    """The size of a burst for a rate."""
    return int(bps * BURST_SECONDS / 8)
