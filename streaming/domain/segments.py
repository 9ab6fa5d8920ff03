"""How sequence numbers of sources become the gapless sequence of one outgoing stream. Pure.

An outgoing stream is a short list of segments; inside one, own = source + offset. A gap in the
source stays a gap (the packet may still come), a packet that is left out on purpose, or a change
of source, opens the next segment, so that no gap is seen that nobody will fill.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

SEGMENTS_MAX: Final = 64  # older ones are beyond any history

Source = TypeVar("Source", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Segment(Generic[Source]):
    """From source sequence `first` on (unwrapped), own sequence = source sequence + offset."""

    source: Source
    first: int
    offset: int


class Segments(Generic[Source]):
    """The numbering of one outgoing stream; `own` goes forward, `origin` back."""

    def __init__(self, start: int) -> None:
        self._segments: deque[Segment[Source]] = deque(maxlen=SEGMENTS_MAX)
        self._next = start

    @property
    def following(self) -> int:
        """The own sequence behind the highest given out so far."""
        return self._next

    def switch(self, source: Source, first: int) -> Segment[Source]:
        """From now on take `source`, beginning with its sequence `first`."""
        segment = Segment(source, first, self._next - first)
        self._segments.append(segment)
        return segment

    def own(self, source: Source, sequence: int, count: int = 1) -> int | None:
        """Own sequence of a packet, or None when it lies before or between the segments.

        Of `count` packets behind one another it is the first one's; None when not all of them have one.
        """
        newest = self._segments[-1] if self._segments else None
        if newest is not None and sequence >= newest.first and newest.source == source:  # nearly always
            own = sequence + newest.offset
            self._next = max(self._next, own + count)
            return own
        ceiling: int | None = None  # own sequences from here on belong to a newer segment
        for segment in reversed(self._segments):
            if segment.source == source and sequence >= segment.first:
                own = sequence + segment.offset
                if ceiling is not None and own + count > ceiling:
                    return None
                self._next = max(self._next, own + count)
                return own
            ceiling = segment.first + segment.offset
        return None

    def skip(self, source: Source, sequence: int) -> bool:
        """Leave this packet out. False when later ones have left already: its gap must be filled."""
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.source != source or sequence + segment.offset < self._next:
            return False
        # Gaps before it stay: they belong to the old segment and may still be filled.
        self._next = sequence + segment.offset
        self._segments.append(Segment(source, sequence + 1, segment.offset - 1))
        return True

    def origin(self, own: int) -> tuple[Source, int] | None:
        """Which source packet an own sequence stands for; None when it never was one of ours."""
        if own >= self._next:
            return None
        for segment in reversed(self._segments):
            if own >= segment.first + segment.offset:
                return segment.source, own - segment.offset
        return None
