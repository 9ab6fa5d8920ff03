"""What a relay takes on, and what it has counted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What one relay takes on."""

    viewers: int = 2000
    half_open: int = 600
    publishers: int = 64


@dataclass(slots=True)
class Totals:
    """What happened since the start; for /status and /metrics."""

    published: int = 0
    watched: int = 0
    ended: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class ViewerFigures:
    """What one viewer said and what was done about it."""

    nacked: int = 0
    resent: int = 0
    padding: int = 0
    echoed: int = 0
    refused: int = 0  # beyond the budget
    too_old: int = 0
    given_up: int = 0  # lost before its path was known to be narrow
    narrow_bps: int | None = None  # what the picture may cost on a narrow path
    absences: int = 0  # while nothing reached it, or moves of its address
    keyframe_requests: int = 0
    broken_packets: int = 0
    lost_share: float = 0.0
    patience_ms: int = 0  # how long its player is asked to hold a frame at least
    sound_repeats: int = 0  # earlier packets in each one of its sound
    estimate_bps: int | None = None


@dataclass(slots=True)
class Attendance:
    """How many are seated, and who of them has no keys yet.

    Counted as they come and go, so that a join costs the same however many are here.
    """

    publishers: int = 0
    viewers: int = 0
    _half_open: set[str] = field(default_factory=set)  # names of sessions

    @property
    def half_open(self) -> int:
        """Sessions without keys."""
        return len(self._half_open)

    def come(self, name: str, *, publishes: bool) -> None:
        """A session was opened."""
        self.publishers += publishes
        self.viewers += not publishes
        self._half_open.add(name)

    def connect(self, name: str) -> None:
        """It has keys."""
        self._half_open.discard(name)

    def go(self, name: str, *, publishes: bool) -> None:
        """It ended; once."""
        self.publishers -= publishes
        self.viewers -= not publishes
        self._half_open.discard(name)
