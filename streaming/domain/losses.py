"""Which packets of one incoming stream are missing, when to ask again and when to give up. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from .timeline import unwrapped

GIVE_UP_SECONDS: Final = 0.300  # then a keyframe is cheaper than waiting
RETRY_SECONDS_MIN: Final = 0.020
MISSING_MAX: Final = 512  # more than that is not a loss but a new beginning
RECENT: Final = 2048  # sequences whose arrival is remembered, to tell repeats


class Due(NamedTuple):
    """What to do now: sequences (16 bits) to ask for, and whether some were given up."""

    ask: list[int]
    gave_up: bool


@dataclass(slots=True)
class _Missing:
    since_s: float
    asked_s: float = 0.0
    asked: int = 0


@dataclass(slots=True)
class Losses:
    """Arrivals of one SSRC in, requests out. Times are seconds of one monotonic clock."""

    highest: int | None = None
    first: int = 0
    received: int = 0
    given_up: int = 0
    repeated: int = 0
    rtt_s: float = 0.1  # smoothed time from a request to its packet
    _missing: dict[int, _Missing] = field(default_factory=dict)
    _seen: list[int] = field(default_factory=lambda: [-1] * RECENT)

    def arrive(self, sequence16: int, now: float) -> int | None:
        """The unwrapped sequence of a packet, or None when it has been here before."""
        if self.highest is not None and not self._missing and sequence16 == (self.highest + 1) & 0xFFFF:
            self.highest = sequence = self.highest + 1  # nearly always
            self._seen[sequence % RECENT] = sequence
            self.received += 1
            return sequence
        sequence = unwrapped(self.highest, sequence16, 16)
        if self.highest is None or sequence - self.highest + len(self._missing) > MISSING_MAX:
            self._begin(sequence)
        elif sequence > self.highest:
            for hole in range(self.highest + 1, sequence):
                self._missing[hole] = _Missing(now)
            self.highest = sequence
        newest = sequence if self.highest is None else self.highest
        if self._seen[sequence % RECENT] == sequence or sequence < newest - RECENT:
            self.repeated += 1
            return None
        self._seen[sequence % RECENT] = sequence
        found = self._missing.pop(sequence, None)
        if found is not None and found.asked == 1:  # after a second request nobody knows which it answers
            self.rtt_s += (now - found.asked_s - self.rtt_s) / 8
        self.received += 1
        return sequence

    def follow(self, sequence16: int, count: int) -> int | None:
        """The unwrapped sequence of the first of several packets that came behind one another.

        None, and nothing is done, unless they are just what comes next and nothing is missing.
        """
        if self.highest is None or self._missing or sequence16 != (self.highest + 1) & 0xFFFF:
            return None
        first = self.highest + 1
        self.highest += count
        self.received += count
        for sequence in range(first, first + count):
            self._seen[sequence % RECENT] = sequence
        return first

    def _begin(self, sequence: int) -> None:
        if self.highest is None:
            self.first = sequence
        else:
            self.given_up += len(self._missing)
        self._missing.clear()
        self.highest = sequence

    def due(self, now: float) -> Due:
        """What to ask for: at once, then once a round trip, for at most GIVE_UP_SECONDS."""
        ask: list[int] = []
        lost = [hole for hole, state in self._missing.items() if now - state.since_s >= GIVE_UP_SECONDS]
        for hole in lost:
            del self._missing[hole]
        self.given_up += len(lost)
        pause = max(RETRY_SECONDS_MIN, self.rtt_s)
        for hole, state in self._missing.items():
            if state.asked == 0 or now - state.asked_s >= pause:
                state.asked_s, state.asked = now, state.asked + 1
                ask.append(hole & 0xFFFF)
        return Due(ask, bool(lost))

    @property
    def waiting(self) -> bool:
        """Whether anything is missing."""
        return bool(self._missing)

    def lacks(self, sequence16: int) -> bool:
        """Whether this one is missing, and not given up yet."""
        return bool(self._missing) and unwrapped(self.highest, sequence16 & 0xFFFF, 16) in self._missing

    def forgive(self, before: int) -> None:
        """Stop asking for what lies before a sequence: a keyframe came, nobody needs it."""
        for hole in [hole for hole in self._missing if hole < before]:
            del self._missing[hole]
