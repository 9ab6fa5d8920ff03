"""All arithmetic between RTP time, NTP time and program time; nobody else does any.

Three clocks meet here. A *source* stamps packets in ticks of its own (RTP, wrapped at 32 bits) and
says, in sender reports or abs-capture-time, which moment of its wall clock a tick was. *Program
time* counts 90 kHz ticks since the show went on air. The *relay's* wall clock is seconds
since 1970. A cut, a slate and a returning studio are one addition each: only an offset changes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
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
_LEAP_SECONDS: Final = 0.5  # ahead of time: no network brings a picture before its time
_BACK_SECONDS: Final = 1.0  # pictures out of order (B-frames) go back by less
_SOUND_LEAP_SECONDS: Final = 2.0  # an encoder may hold its pictures, and not the sound, for so long
_AHEAD_TICKS: Final = PROGRAM_TIME_HZ // 45  # with the step of a cut it is less than a frame
_SQUEEZED_TICKS: Final = PROGRAM_TIME_HZ // 1000  # between two pictures of a past that is over already
_SETTLED_FRAMES: Final = 30
_MOVED_MAX: Final = 512
FAR_TICKS: Final = 10 * PROGRAM_TIME_HZ  # two times so far apart are no longer brought together


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

    def place(self, tick: int, last: int | None, at: ProgramTime) -> int | None:
        """The same of the newest packet of a picture; None when the source's own clock leapt (it restarted,
        or was set). `last`: what left before; `at`: program time now.

        Whether it came late does not matter: what waited in a queue, or in the socket of a relay that
        stood still, comes all at once and is no leap.
        """
        outgoing = self.outgoing(tick)
        back = last is not None and outgoing < last - _BACK_SECONDS * self.rate_hz
        return (
            None if back or (last is not None and outgoing > at + _LEAP_SECONDS * self.rate_hz) else outgoing
        )

    def shift(self, ticks: int) -> None:
        """All of it is by so many ticks later."""
        self.offset += ticks

    def move(self, ticks: int) -> None:
        """What comes from now on is by so many ticks later."""
        self.offset += ticks

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
class Followed(Line):
    """Program time of a picture that another relay gives: its ticks are that already, and stay so.

    Only until it has settled behind a cut they are helped. A group of pictures that began in the past is
    squeezed behind what was seen here before (`floor`), so time does not go back; and where the other
    relay's time is ahead of ours, ours runs faster by an eighth until it is there, so it does not leap.
    """

    floor: int = 0
    _newest: int | None = None
    _calm: int = 0  # frames in a row that needed no help
    _moved: list[tuple[int, int]] = field(default_factory=list)  # (tick, outgoing), ascending

    def outgoing(self, tick: int) -> int:
        if not self._moved or tick > self._moved[-1][0]:
            return tick + self.offset
        found = bisect_right(self._moved, tick, key=lambda pair: pair[0]) - 1
        if found < 0:
            return tick + self.offset
        known, outgoing = self._moved[found]
        return outgoing + (tick > known)  # a repair of a picture that was not seen when its turn was

    def place(self, tick: int, last: int | None, at: ProgramTime) -> int | None:
        if self._newest is not None and tick <= self._newest:
            return self.outgoing(tick)
        self._newest = tick
        if tick + self.offset - at > FAR_TICKS:
            self.offset = at - tick
        outgoing = tick + self.offset
        if self._calm < _SETTLED_FRAMES:
            helped = self._helped(outgoing, at + _AHEAD_TICKS)
            self._calm = self._calm + 1 if helped == outgoing else 0
            if helped != outgoing:
                self._moved = [*self._moved[1 - _MOVED_MAX :], (tick, helped)]
            outgoing = helped
        self.floor = max(self.floor, outgoing)
        return outgoing

    def move(self, ticks: int) -> None:
        """What comes from now on is by so many ticks later; it settles anew."""
        self.offset += ticks
        self._calm = 0

    def _helped(self, outgoing: int, ceiling: int) -> int:
        if outgoing <= self.floor:
            step = _SQUEEZED_TICKS if self.floor + _SQUEEZED_TICKS <= ceiling else 1
            return self.floor + step
        return max(min(outgoing, ceiling), self.floor + 1)

    def shift(self, ticks: int) -> None:
        self.offset += ticks
        self.floor += ticks
        self._moved = [(tick, outgoing + ticks) for tick, outgoing in self._moved]


@dataclass(slots=True)
class ProgramClock:
    """Program time against the relay's wall clock: the line that sender reports speak of.

    The line follows the quickest packets (they waited least) and gives way slowly when the path
    grows longer, so that it does not tremble with the network.
    """

    since_unix_s: float | None = (
        None  # when the show went on air: its time 0 on every relay; None: the first frame
    )
    last_ticks: int = 0
    _zero_unix_s: float | None = None

    @property
    def running(self) -> bool:
        """Whether the first frame has been seen."""
        return self._zero_unix_s is not None

    def observe(self, ticks: int, arrived_unix_s: float, *, trusting: bool = True) -> None:
        """A frame of program time `ticks` (90 kHz) arrived now. `trusting`: it is believed to be early."""
        zero = arrived_unix_s - ticks / PROGRAM_TIME_HZ
        if self._zero_unix_s is None:
            self._zero_unix_s = zero
        elif zero < self._zero_unix_s:
            if trusting:
                self._zero_unix_s += (zero - self._zero_unix_s) / 8
        elif ticks > self.last_ticks:  # once for a picture, however many packets speak of it
            self._zero_unix_s += min(zero - self._zero_unix_s, _RISE_PER_OBSERVATION)
        self.last_ticks = max(self.last_ticks, ticks)

    def jump(self, ticks: int, unix_s: float) -> None:
        """Program time is another from now on, just before `ticks`: a pulled program brings its own."""
        self._zero_unix_s, self.last_ticks = unix_s - ticks / PROGRAM_TIME_HZ, ticks - 1

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
            since = unix_s if self.since_unix_s is None else self.since_unix_s
            return ProgramTime(max(0, int((unix_s - since) * PROGRAM_TIME_HZ)))
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


def sound_leaps(last: int | None, outgoing: int, at: ProgramTime) -> bool:
    """Whether the clock of a source's sound leapt: its time (48 kHz) against program time now."""
    ahead = outgoing - at * AUDIO_HZ // PROGRAM_TIME_HZ > _SOUND_LEAP_SECONDS * AUDIO_HZ
    return ahead or (last is not None and outgoing < last - _BACK_SECONDS * AUDIO_HZ)


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
