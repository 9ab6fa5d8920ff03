"""All arithmetic between RTP time, NTP time and program time; nobody else does any.

Three clocks meet here. A *source* stamps packets in ticks of its own (RTP, wrapped at 32 bits) and
says, in sender reports or abs-capture-time, which moment of its wall clock a tick was. *Program
time* counts 90 kHz ticks since the first frame of a program. The *relay's* wall clock is seconds
since 1970. A cut, a slate and a returning studio are one addition each: only an offset changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ..contract import PROGRAM_TIME_HZ, ProgramTime

NTP_TO_UNIX_SECONDS: Final = 2_208_988_800  # 1900 to 1970
VIDEO_HZ: Final = 90_000
AUDIO_HZ: Final = 48_000

_WRAP: Final = 1 << 32  # RTP timestamps
_TURNS: Final = VIDEO_HZ // math.gcd(VIDEO_HZ, AUDIO_HZ)  # wraps of the picture until the pair comes again
_SETTLE_SECONDS: Final = 0.010  # a first sender report may move sound by more than this at once
_SLEW_SECONDS: Final = 0.001  # later ones move it by at most this each
_JUMP_SECONDS: Final = 0.250  # beyond it the source's clock itself jumped: follow at once
_RISE_PER_OBSERVATION: Final = 0.0005  # how fast the relay's line gives way to a longer path
_STEP_MIN_TICKS: Final = PROGRAM_TIME_HZ // 60  # two frames are never closer over a cut
_LEAP_SECONDS: Final = 2.0


def unwrapped(previous: int | None, value: int, bits: int) -> int:
    """The integer nearest to `previous` whose low `bits` are `value`; `value` itself at the start."""
    if previous is None:
        return value
    modulus = 1 << bits
    delta = (value - previous) & (modulus - 1)
    return previous + (delta - modulus if delta >= modulus >> 1 else delta)


def ntp_from_unix(unix_s: float) -> int:
    """64-bit NTP time (RFC 5905 section 6) of seconds since 1970."""
    return (int((unix_s + NTP_TO_UNIX_SECONDS) * (1 << 32))) & 0xFFFF_FFFF_FFFF_FFFF


def unix_from_ntp(ntp: int) -> float:
    """Seconds since 1970 of a 64-bit NTP time of the era that began in 1900."""
    return ntp / (1 << 32) - NTP_TO_UNIX_SECONDS


def middle(ntp: int) -> int:
    """The middle 32 bits of an NTP time, in which LSR and DLRR are counted."""
    return (ntp >> 16) & 0xFFFFFFFF


def short_units(seconds: float) -> int:
    """A duration in 1/65536 s, as DLSR and DLRR carry it."""
    return max(0, min(0xFFFFFFFF, int(seconds * 65536)))


def round_trip_seconds(now_ntp: int, last_report: int, delay: int) -> float | None:
    """RTT from a report block (RFC 3550 section 6.4.1); None without LSR or when it is absurd."""
    if not last_report:
        return None
    units = (middle(now_ntp) - last_report - delay) & 0xFFFFFFFF
    return units / 65536 if units < 10 * 65536 else None


@dataclass(slots=True)
class CaptureClock:
    """When a tick of one source stream was captured, by the source's own wall clock."""

    rate_hz: int
    _tick: int | None = None
    _unix_s: float = 0.0

    @property
    def known(self) -> bool:
        """Whether the source has said anything yet."""
        return self._tick is not None

    def learn(self, tick: int, ntp: int) -> None:
        """Tie an unwrapped tick to the NTP time that abs-capture-time or a sender report gave it."""
        self._tick, self._unix_s = tick, unix_from_ntp(ntp)

    def captured_at(self, tick: int) -> float | None:
        """Unix seconds by the source's clock, or None while unknown."""
        if self._tick is None:
            return None
        return self._unix_s + (tick - self._tick) / self.rate_hz


@dataclass(slots=True)
class Line:
    """Program time of one source stream: outgoing tick = source tick + offset, at the stream's rate."""

    rate_hz: int
    offset: int
    settled: bool = False  # whether the offset rests on the capture clock, not on arrival

    def outgoing(self, tick: int) -> int:
        """The unwrapped outgoing RTP timestamp; program time x rate."""
        return tick + self.offset

    def correct(self, offset: int) -> None:
        """Move towards a better offset: at once the first time, then so slowly that nobody hears it."""
        error = offset - self.offset
        limit = int(_SLEW_SECONDS * self.rate_hz)
        first = not self.settled and abs(error) > _SETTLE_SECONDS * self.rate_hz
        if not (first or abs(error) > _JUMP_SECONDS * self.rate_hz):
            error = max(-limit, min(limit, error))
        self.offset += error
        self.settled = True


@dataclass(slots=True)
class ProgramClock:
    """Program time against the relay's wall clock: the line that sender reports speak of.

    The line follows the quickest packets (they waited least) and gives way slowly when the path
    grows longer, so that it does not tremble with the network.
    """

    _zero_unix_s: float | None = None
    last_ticks: int = 0

    @property
    def running(self) -> bool:
        """Whether the first frame has been seen."""
        return self._zero_unix_s is not None

    def observe(self, ticks: int, arrived_unix_s: float) -> None:
        """A frame of program time `ticks` (90 kHz) arrived now."""
        zero = arrived_unix_s - ticks / PROGRAM_TIME_HZ
        if self._zero_unix_s is None:
            self._zero_unix_s = zero
        elif zero < self._zero_unix_s:
            self._zero_unix_s += (zero - self._zero_unix_s) / 8
        else:
            self._zero_unix_s += min(zero - self._zero_unix_s, _RISE_PER_OBSERVATION)
        self.last_ticks = max(self.last_ticks, ticks)

    def jump(self, ticks: int) -> None:
        """Program time is another from here on: a pulled program brings its own."""
        self._zero_unix_s, self.last_ticks = None, ticks

    def shift(self, ticks: int) -> None:
        """What was taken for program time so far was `ticks` short: wraps that nobody here had seen."""
        self.last_ticks += ticks
        if self._zero_unix_s is not None:
            self._zero_unix_s -= ticks / PROGRAM_TIME_HZ

    def at(self, unix_s: float) -> ProgramTime:
        """Program time now; 0 before the first frame."""
        if self._zero_unix_s is None:
            return ProgramTime(0)
        return ProgramTime(max(0, int((unix_s - self._zero_unix_s) * PROGRAM_TIME_HZ)))

    def next_cut(self, unix_s: float) -> ProgramTime:
        """Program time of a keyframe that arrives now after a cut: it goes on, never back, never a leap."""
        if not self.running:
            return ProgramTime(0)
        return ProgramTime(max(self.last_ticks + _STEP_MIN_TICKS, self.at(unix_s)))

    def report(self, unix_s: float, rate_hz: int) -> tuple[int, int]:
        """(NTP time, unwrapped RTP timestamp) of this moment, for a sender report at `rate_hz`."""
        zero = unix_s if self._zero_unix_s is None else self._zero_unix_s
        return ntp_from_unix(unix_s), round((unix_s - zero) * rate_hz)

    def captured_ntp(self, ticks: int) -> int:
        """NTP time of a program moment in the relay's clock, for abs-capture-time."""
        return ntp_from_unix((self._zero_unix_s or 0.0) + ticks / PROGRAM_TIME_HZ)


def whole_program_time(video_tick: int, audio_tick: int) -> int:
    """Unwrapped program time (90 kHz) of a 32-bit picture timestamp, found by the sound's of about then.

    Both count one program time, so they wrap at different moments (13.3 h and 24.9 h), and the same
    pair comes again only after 15 wraps of the picture: 198 h. They may be half an hour apart.
    """
    base = video_tick & _WRAP - 1

    def error(turns: int) -> int:
        expected = (base + turns * _WRAP) * AUDIO_HZ // VIDEO_HZ
        ahead = (audio_tick - expected) & _WRAP - 1
        return min(ahead, _WRAP - ahead)

    return base + min(range(_TURNS), key=error) * _WRAP


def leaps(previous: int, tick: int, rate_hz: int, passed_s: float) -> bool:
    """Whether a source's clock jumped between two packets (it restarted, or another took its place).

    Forward by more than the time that passed, or back: beyond `_LEAP_SECONDS` no network does that to
    packets in the order of sending. A network that stood still is late, which is no leap.
    """
    step_s = (tick - previous) / rate_hz
    return step_s - passed_s > _LEAP_SECONDS or step_s < -_LEAP_SECONDS


def aligned_offset(
    master: tuple[int, ProgramTime, float], tick: int, captured_or_arrived_s: float, rate_hz: int
) -> int:
    """Offset of a stream that runs beside the master stream.

    `master` is (tick, program time, moment) of the master's frame at the cut; both moments are by
    one clock: the source's capture clock when it is known for both, else arrival at the relay.
    """
    _, program_time, moment = master
    ticks = program_time * rate_hz / PROGRAM_TIME_HZ + (captured_or_arrived_s - moment) * rate_hz
    return round(ticks) - tick
