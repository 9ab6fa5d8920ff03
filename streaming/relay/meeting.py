"""Where another relay's program time meets ours: how the two become one without a step.

A pulled feed's ticks are program time already, and should leave as they came. What lies between them and
what was seen here before is mostly the age of a group of pictures, which `timeline.Followed` squeezes; here
is decided what is no such thing. It knows the program's clock and lines, never a packet's content.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..contract import PROGRAM_TIME_HZ, ProgramTime
from ..domain import timeline
from .onair import LATE_TICKS, OnAir
from .rendition import Rendition

BEGUN_TICKS: Final = 5 * PROGRAM_TIME_HZ  # a pulled group of pictures may have begun so long ago
BEHIND_TICKS: Final = PROGRAM_TIME_HZ  # so far behind ours is no path's delay: its time is another


class Meeting:
    """One program's."""

    def __init__(
        self, clock: timeline.ProgramClock, sound: Rendition, pictures: Callable[[], list[Rendition]]
    ) -> None:
        """`pictures`: those of what is on air."""
        self._clock, self._sound, self._pictures = clock, sound, pictures

    def cut(self, at: ProgramTime, tick: int, now_unix: float, *, seen: bool) -> tuple[ProgramTime, int]:
        """Program time of a cut to a pulled feed, and by how much that is ahead of the feed's own.

        `at`: ours now; `seen`: whether anybody watches here.
        """
        tick = timeline.unwrapped(at, tick & 0xFFFFFFFF, 32)
        tick += (tick < 0) << 32
        if not self._clock.running or not seen:  # nobody sees how it becomes another
            self._clock.jump(tick, now_unix)
            self._sound.last = None
        elif at - tick > BEGUN_TICKS or tick - at > timeline.FAR_TICKS:
            return at, at - tick
        return ProgramTime(tick), 0

    def find_wraps(self, here: OnAir, audio_tick: int) -> None:
        """A pulled feed's timestamps are 32 bits of its program time; with the sound's we know them all."""
        master = here.feed.layers.get(here.rid)
        if master is None or master.tick is None:
            return
        believed = master.tick + here.program_time - here.tick - here.ahead
        missing = timeline.whole_program_time(believed, audio_tick) - believed
        if not missing:
            return
        here.program_time = ProgramTime(here.program_time + missing)
        self._clock.shift(missing)
        self._sound.last = None
        for rendition in self._pictures():
            rendition.shift(missing)

    def find_behind(self, here: OnAir, line: timeline.Line, outgoing: int, now_unix: float) -> None:
        """Sound begins with what is heard now. Where that is long over here, the other relay's time is
        behind ours, and not its group of pictures old: then we go on ahead of it. `outgoing` is at 48 kHz."""
        behind = self._clock.at(now_unix) - outgoing * PROGRAM_TIME_HZ // timeline.AUDIO_HZ
        if self._sound.last is None or behind < BEHIND_TICKS:
            return
        here.ahead += behind
        line.shift(behind * timeline.AUDIO_HZ // PROGRAM_TIME_HZ)
        self.move_pictures(behind)

    def find_not_behind(self, here: OnAir, outgoing: int, now_unix: float) -> int:
        """The same sound shows that it had only waited somewhere: by how much less it is ahead (48 kHz)."""
        early = outgoing * PROGRAM_TIME_HZ // timeline.AUDIO_HZ - self._clock.at(now_unix)
        if early < LATE_TICKS or here.sound_line is None:
            return 0
        early = here.ahead if here.ahead - early < BEHIND_TICKS else early
        here.ahead -= early
        here.hold_back(early)
        self.move_pictures(-early)
        return early * timeline.AUDIO_HZ // PROGRAM_TIME_HZ

    def move_pictures(self, ticks: int) -> None:
        """What comes of them from now on is by so many ticks later."""
        for rendition in self._pictures():
            if rendition.line is not None:
                rendition.line.move(ticks)
