"""How deep a path is, asked without harm: one burst of padding right before a sender report.

The report waits in the bottleneck's queue until the burst has passed, and the player's next receiver
report (RFC 3550 section 6.4.1) tells for how long. It is the report that leaves each second anyway: a
player names the last one it heard, so one of our own in between would go unnamed by many. A burst that
takes `BURST_SECONDS` at the rate one would like to send makes nobody's picture late, and where it takes
much longer that rate does not fit: no need to overfill the path to learn it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

BURST_SECONDS: Final = 0.06  # of the rate in question
BURST_BYTES_MAX: Final = 12_000  # a tenth of a second at 1 Mbit/s
SLACK: Final = 1.15  # pictures stand in the queue too
TREMBLE_SECONDS: Final = 0.012
ANSWER_SECONDS: Final = 1.3  # players report once a second or more often

Depth: TypeAlias = Literal["waiting", "deep", "shallow", "silent"]


@dataclass(slots=True)
class Sounding:
    """Bursts, the last sent at `at` seconds; `report`: the middle of its sender report's NTP time."""

    report: int
    at: float
    burst_bytes: int
    wanted_bps: int
    depth: Depth = "waiting"
    grew_s: float = 0.0  # by how much the round trip was longer
    second_report: int | None = None

    def again(self, report: int, now: float) -> None:
        """One more burst, of the same size: a player that reports right behind our reports names the first
        never, for the next has come by then."""
        self.second_report, self.at = report, now

    def heard(self, last_report: int, round_trip: float, shortest: float) -> None:
        """A receiver report whose LSR is `last_report`; times in seconds."""
        if last_report in (self.report, self.second_report):
            self.grew_s = round_trip - shortest
            takes_s = self.burst_bytes * 8 / self.wanted_bps
            self.depth = "deep" if self.grew_s <= SLACK * takes_s + TREMBLE_SECONDS else "shallow"

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
    return min(BURST_BYTES_MAX, int(bps * BURST_SECONDS / 8))
