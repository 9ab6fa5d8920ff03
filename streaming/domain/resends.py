"""What a viewer's NACKs may cost: a packet once per round trip, the total a share of its path. Pure.

Without this a bottleneck turns into a storm: every packet that waits in its queue is asked for,
sent again, and waits again.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

REPEAT_SECONDS_MIN: Final = 0.010
REPEAT_ROUND_TRIPS: Final = 0.6  # the player repeats by its own estimate, which may be below ours
REMEMBERED_MAX: Final = 1024
SHARE: Final = 0.25  # of the estimate, or of the stream's own rate before there is one
SHARE_WHERE_FULL: Final = 0.10  # the same, where loss comes of too much: repairs would only add to it
LEAST_BYTES: Final = 16_000.0  # that may be saved up, whatever the rate
LEAST_WHERE_FULL_BYTES: Final = 4_000.0
BURST_SECONDS: Final = 0.5  # how much of the share may be saved up


@dataclass(slots=True)
class ResendBudget:
    """A bucket of bytes that fills with the path's rate."""

    bytes_left: float = 64_000.0
    refused: int = 0
    full: bool = False  # whether the path loses because it gets too much
    _filled_s: float | None = None
    _sent: OrderedDict[int, float] = field(default_factory=OrderedDict)

    def allow(self, sequence: int, size_bytes: int, now: float, rtt_s: float, rate_bps: float) -> bool:
        """Whether to send this packet again now; a yes is charged."""
        self._fill(now, rate_bps)
        last = self._sent.get(sequence)
        recent = last is not None and now - last < max(REPEAT_SECONDS_MIN, REPEAT_ROUND_TRIPS * rtt_s)
        if recent or self.bytes_left < size_bytes:
            self.refused += 1
            return False
        self.bytes_left -= size_bytes
        self._sent[sequence] = now
        self._sent.move_to_end(sequence)
        if len(self._sent) > REMEMBERED_MAX:
            self._sent.popitem(last=False)
        return True

    def spare(self, size_bytes: int, now: float, rate_bps: float) -> bool:
        """Whether a second copy may follow: only while more than half of the share is left."""
        self._fill(now, rate_bps)
        if self.full or self.bytes_left - size_bytes < self._limit(rate_bps) / 2:
            return False
        self.bytes_left -= size_bytes
        return True

    def _per_second(self, rate_bps: float) -> float:
        return (SHARE_WHERE_FULL if self.full else SHARE) * rate_bps / 8

    def _limit(self, rate_bps: float) -> float:
        least = LEAST_WHERE_FULL_BYTES if self.full else LEAST_BYTES
        return max(self._per_second(rate_bps) * BURST_SECONDS, least)

    def _fill(self, now: float, rate_bps: float) -> None:
        elapsed = 0.0 if self._filled_s is None else max(0.0, now - self._filled_s)
        self._filled_s = now
        self.bytes_left = min(self._limit(rate_bps), self.bytes_left + elapsed * self._per_second(rate_bps))
