"""The feed on air, and how its other streams stand beside the picture that was cut to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..contract import PROGRAM_TIME_HZ, ProgramTime
from ..domain import timeline
from .source import FeedPacket, Source

LATE_TICKS: Final = PROGRAM_TIME_HZ // 10
LATE_SECONDS: Final = 1.0
CAPTURE_TRUST_SECONDS: Final = 1.0  # a capture clock further from arrival than this is not believed


@dataclass(slots=True)
class OnAir:
    """The feed on air and how its clock became program time."""

    feed: Source
    era: int
    tick: int  # of the frame at the cut, which is the master of sound
    program_time: ProgramTime
    arrived_s: float
    rid: str  # of the encoding that was cut to first
    ahead: int = 0  # ticks by which we go on before a pulled feed's own program time
    sound_line: timeline.Line | None = None

    @property
    def source(self) -> tuple[int, int]:
        """The feed's number and era: what its sequences and ticks mean."""
        return self.feed.number, self.era

    def anchor(self, packet: FeedPacket, program_time: ProgramTime) -> None:
        """The source's clock leapt here: its sound is to be put beside this picture anew."""
        self.tick, self.program_time, self.arrived_s = packet.tick, program_time, packet.arrived_s
        self.sound_line = None

    def was_late(self, now: float, early: int) -> bool:
        """Whether a picture soon behind the cut comes so early that the cut's own must have been late:
        it waited in a queue, or in the socket of a relay that stood still."""
        return early > LATE_TICKS and self.is_fresh(now)

    def is_fresh(self, now: float) -> bool:
        """Whether our own source was cut to so lately that its time may have to be moved yet."""
        return not self.feed.pulled and now - self.arrived_s < LATE_SECONDS

    def hold_back(self, ticks: int) -> None:
        """All of it is by so much earlier in program time than it seemed."""
        self.program_time = ProgramTime(self.program_time - ticks)
        if self.sound_line is not None:
            self.sound_line.shift(-ticks * timeline.AUDIO_HZ // PROGRAM_TIME_HZ)

    def offset_of_pulled(self, tick: int, rate_hz: int) -> int:
        """Offset of a pulled stream, whose ticks are program time but for wraps: the nearest to the cut."""
        cut = self.program_time * rate_hz // PROGRAM_TIME_HZ
        same = tick + self.ahead * rate_hz // PROGRAM_TIME_HZ
        return timeline.unwrapped(cut, same & 0xFFFFFFFF, 32) - tick

    def offset_beside(
        self, capture: timeline.CaptureClock, tick: int, arrived_s: float, rate_hz: int
    ) -> tuple[int, bool]:
        """Offset of a stream beside the master's, and whether it rests on capture clocks."""
        by_arrival = timeline.aligned_offset(
            (self.tick, self.program_time, self.arrived_s), tick, arrived_s, rate_hz
        )
        master = self.feed.layers.get(self.rid)
        captured_master = None if master is None else master.capture.captured_at(self.tick)
        captured = capture.captured_at(tick)
        if captured_master is None or captured is None:
            return by_arrival, False
        by_capture = timeline.aligned_offset(
            (self.tick, self.program_time, captured_master), tick, captured, rate_hz
        )
        if abs(by_capture - by_arrival) > CAPTURE_TRUST_SECONDS * rate_hz:
            return by_arrival, False
        return by_capture, True
