"""Whether nothing reached a viewer for a while: a tunnel, a radio that changed cells, an address that moved.

What is lost then says nothing of what the path bears: a full path lets something through every few
milliseconds, one that is interrupted nothing at all. Two things tell that it is over: the player speaks again
after a silence that is long for it, or it asks for packets one behind another that left over a long time.
Pure: `now` and the moments at which packets left are arguments, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from .overflow import Left

SILENT_SECONDS: Final = 1.5  # at least
SILENT_TIMES: Final = 4.0  # what is usual between its words: some players report every five seconds
WORDS_UNTIL_JUDGED: Final = 6  # their mean is what is usual at first
SMOOTHING: Final = 0.1
LEARNT_TIMES: Final = 8.0  # of what is usual: a longer silence counts as so long when habits are learnt
NOTHING_SECONDS: Final = 0.35  # in which not one packet came; 50 kbit/s let one through each 0.2 s
AGAIN_SECONDS: Final = 1.0  # two interruptions closer than this are one


class Absence:
    """One viewer's."""

    def __init__(self, now: float) -> None:
        self._heard_s = now
        self._usual_s, self._words = 0.0, 0
        self._back_s = float("-inf")
        self._newest = -1  # own sequence: the end of the last interruption, as its requests told

    def silent_s(self, now: float) -> float:
        """For how long it has said nothing."""
        return now - self._heard_s

    def spoke(self, now: float) -> bool:
        """The player said something. True when it was away."""
        apart_s, self._heard_s = now - self._heard_s, now
        self._words += 1
        if self._words <= WORDS_UNTIL_JUDGED:
            self._usual_s += (apart_s - self._usual_s) / self._words
            return False
        is_long = apart_s > max(SILENT_SECONDS, SILENT_TIMES * self._usual_s)
        self._usual_s += SMOOTHING * (min(apart_s, LEARNT_TIMES * self._usual_s) - self._usual_s)
        return is_long and self._is_back(now)

    def asked(self, sequences: Iterable[int], left: Callable[[int], Left | None], now: float) -> bool:
        """It asks for these (own sequences, ascending); `left`: when one left, if that is known.

        True when they are of a time in which nothing came.
        """
        first_s: float | None = None
        before, longest_s, end = -1, 0.0, -1
        for own in sequences:
            there = left(own)
            at = None if there is None else there.at
            if own != before + 1 or first_s is None:
                first_s = at
            before = own
            if at is not None and first_s is not None and at - first_s > longest_s:
                longest_s, end = at - first_s, own
        if longest_s < NOTHING_SECONDS or end <= self._newest:
            return False
        self._newest = end
        return self._is_back(now)

    def moved(self, now: float) -> None:
        """Its address changed: whatever it missed meanwhile is known."""
        self._heard_s = self._back_s = now

    def _is_back(self, now: float) -> bool:
        is_new = now - self._back_s >= AGAIN_SECONDS
        self._back_s = now if is_new else self._back_s
        return is_new
