"""After a relay stood still: what had waited in its socket is left out, in pictures and in sound.

A player that gets seconds of pictures at once stands still for as long again. Knows when we woke and
what is late; never why we stood still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..contract import PROGRAM_TIME_HZ, ProgramTime
from ..domain.timeline import Line
from .onair import OnAir
from .rendition import Rendition
from .source import FeedPacket

WAKING_SECONDS: Final = 1.0  # what waited is read in so long
STALE_TICKS: Final = PROGRAM_TIME_HZ // 2


class Waking:
    """One program's."""

    def __init__(self, at: Callable[[float], ProgramTime]) -> None:
        """`at`: program time at a moment of our clock."""
        self.woke_s = float("-inf")
        self._at = at

    def is_stale(self, now: float, program_time: int) -> bool:
        """Whether what came just now had waited for us to wake."""
        return now - self.woke_s <= WAKING_SECONDS and self._at(now) - program_time > STALE_TICKS

    def leaves_out(self, here: OnAir, rendition: Rendition, line: Line, packet: FeedPacket) -> bool:
        """Whether a picture's packet stays here; with it all that comes before the next keyframe."""
        stale = self.is_stale(packet.arrived_s, line.outgoing(packet.tick))
        if not stale and not rendition.torn:
            return False
        if not stale and packet.keyframe:
            rendition.cut(here.source, packet.sequence, line)
            return False
        rendition.torn = True
        if not stale:
            here.feed.request_keyframe(packet.arrived_s, packet.rid)
        return True
