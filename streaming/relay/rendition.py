"""One encoding of a program as it leaves: numbered, timed, remembered, ready to start a viewer.

Knows packets and who waits for its next keyframe. Which feed it is cut from is the program's matter.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from ..domain.ladder import Rung
from ..domain.overflow import Left
from ..domain.segments import Segments
from ..domain.timeline import Line
from ..fanout import Fanout, Kind, Packet, SourceId

HISTORY_PACKETS: Final = {"video": 2048, "audio": 256}
GOP_PACKETS_MAX: Final = 2000
GOP_SECONDS_MAX: Final = 4.0  # an older group of pictures is no start; a new keyframe is asked for
PAUSE_SECONDS: Final = 1.0  # without packets: the studio's silence, or a standstill of our own
SILENT_SECONDS: Final = 1.5  # a rendition without packets for so long is none to offer
KEYFRAME_AGE_SECONDS: Final = 0.6  # of the newest, before one that is no hurry is asked for: all who share
# the rendition get each of them, and who is on a path that just bears it loses one that comes too soon
RATE_SMOOTHING: Final = 0.1  # a second: keyframes that are asked for are soon forgotten
PACKETS_SMOOTHED: Final = 128
KEYFRAMES_KNOWN: Final = 4
OVERHEAD_BYTES: Final = 36  # of a packet on its way: RTP header, extensions, SRTP tag


class Audience(Protocol):
    """A viewer, as the program sees it."""

    pin: str | None  # it is another relay, and takes this one rendition alone; None: a person
    hears: bool  # it takes the sound too

    @property
    def held(self) -> bool:
        """Whether its picture rests until another rendition begins."""

    def bears(self, bps: int, start_bytes: int) -> bool:
        """Whether its path may take a rendition of this rate, and so much of it at once or soon."""

    def begin(self, stream: Rendition, first: int, cached: list[Packet]) -> None:
        """Follow `stream` from its sequence `first` on; `cached` packets leave now, for this viewer alone."""

    def keyframe(self, stream: Rendition, first: int) -> None:
        """One begins at this sequence of `stream`, which it follows."""

    def hold(self) -> None:
        """Nothing more of its rendition until the next one begins."""

    def due(self, now: float) -> bool:
        """Whether it is time to look at its quality again: often while its path is probed, else seldom."""

    def adapt(self, rungs: tuple[Rung, ...], now: float) -> str | None:
        """Which of several renditions its path bears now; None: none, until what fills it has drained."""

    def reporting(self, report: int, now: float) -> None:
        """A sender report of this middle NTP time is about to leave, to be measured by."""


class Aside(Protocol):
    """Who gets a rendition without following it: packet by packet, at a pace of its own."""

    def take(self, packets: list[Packet]) -> None:
        """What leaves for all others now."""

    def report(self, ntp: int, timestamp: int) -> None:
        """The moment that a sender report names."""


class Rendition:
    """The outgoing stream that all its followers share."""

    def __init__(self, kind: Kind, name: str, source: SourceId) -> None:
        self.kind, self.name, self.source = kind, name, source
        self.origin: tuple[int, int] | None = None  # the feed and era that it is cut from
        self.line: Line | None = None
        self.last: int | None = None  # newest outgoing timestamp, unwrapped
        self.torn = False  # something was left out: nothing more until a keyframe
        self.waiting: set[Audience] = set()
        self.asked = False  # for a keyframe, for those who wait
        self.aside: list[Aside] = []
        self.keyframes: deque[int] = deque(maxlen=KEYFRAMES_KNOWN)  # sequences at which the newest begin
        self.packet_bytes = 1000.0  # mean, smoothed
        self.packets = 0
        self.bps = 0  # measured with its headers, smoothed
        self.heard_s: float | None = None
        self._paused_s = float("-inf")  # when the last pause ended
        self.octets = 0  # since it was measured
        self.all_octets = 0
        self.keyframe_s = float("-inf")  # when the newest began
        self._measured_s: float | None = None
        self._measures = 0
        self._segments: Segments[tuple[int, int]] = Segments(0)
        self._history: list[Packet | None] = [None] * HISTORY_PACKETS[kind]
        self._left: list[Left] = [Left(0.0, 0)] * HISTORY_PACKETS[kind]
        self._pending: list[Packet] = []
        self._gop: list[Packet] = []
        self._gop_s: float | None = None  # when the keyframe came; None: no start at hand

    def size(self) -> tuple[int, int]:
        """To be compared: how much it is, measured, or so far."""
        return self.bps, self.octets

    def awaits(self, viewer: Audience) -> bool:
        """Whether this viewer begins at its next keyframe."""
        return viewer in self.waiting

    def should_ask(self, now: float, *, hurry: bool = False) -> bool:
        """Whether to ask for a keyframe now, for those who wait; a refusal is remembered."""
        self.asked = hurry or now - self.keyframe_s >= KEYFRAME_AGE_SECONDS
        return self.asked

    # -- numbering ---------------------------------------------------------------------------------

    @property
    def following(self) -> int:
        """The sequence behind the highest given out so far."""
        return self._segments.following

    @property
    def newest(self) -> int:
        """The highest sequence given out so far."""
        return self._segments.following - 1

    def cut(self, origin: tuple[int, int], first: int, line: Line) -> None:
        """From now on take `origin`, beginning with its sequence `first`, timed by `line`."""
        self.origin, self.line, self.torn = origin, line, False
        self._segments.switch(origin, first)

    def number(self, sequence: int, count: int = 1) -> int | None:
        """Our sequence for one of the origin's, the first of `count`; None when it lies before the cut."""
        return None if self.origin is None else self._segments.own(self.origin, sequence, count)

    def skip(self, sequence: int) -> bool:
        """Leave an empty packet out without a gap, if that is still possible."""
        return self.origin is not None and self._segments.skip(self.origin, sequence)

    def shift(self, ticks: int) -> None:
        """Its times were `ticks` short, by whole wraps: what leaves stays the same."""
        if self.line is not None and self.last is not None:
            self.line.shift(ticks)
            self.last += ticks

    # -- packets -----------------------------------------------------------------------------------

    def put(self, packets: list[Packet], keyframe: bool, now: float) -> None:
        """Packets, to be remembered and to leave with the next `gathered`; a keyframe begins at the first."""
        if keyframe:
            self._gop, self._gop_s = list(packets), now
            self.keyframe_s = now
            self.keyframes.append(packets[0].sequence)
        elif self._gop_s is not None:
            self._gop += packets
        self._pending += packets
        self.packets += len(packets)
        history, left, room = self._history, self._left, len(self._history)
        before = self.all_octets
        for packet in packets:
            size = len(packet.payload)
            history[packet.sequence % room] = packet
            self.all_octets += size + OVERHEAD_BYTES
            left[packet.sequence % room] = Left(now, self.all_octets)
            self.packet_bytes += (size - self.packet_bytes) / PACKETS_SMOOTHED
        self.octets += self.all_octets - before
        if self.heard_s is not None and now - self.heard_s > PAUSE_SECONDS:
            self._paused_s = now
        self.heard_s = now

    def gathered(self) -> list[Packet]:
        """What came since the last call; those who do not follow get it here."""
        pending, self._pending = self._pending, []
        for other in list(self.aside):
            other.take(pending)
        return pending

    @property
    def sources(self) -> tuple[SourceId, ...]:
        """Whatever of it is open at the sender."""
        return (self.source,)

    def close(self, fanout: Fanout) -> None:
        """Nothing more comes."""
        fanout.close_source(self.source)

    def leaving(self) -> list[tuple[SourceId, list[Packet]]]:
        """What came since the last call, by the source at the sender; see `gathered`."""
        packets = self.gathered()
        return [(self.source, packets)] if packets else []

    @property
    def ungathered(self) -> int:
        """The sequence from which on nothing was handed on yet."""
        return min((packet.sequence for packet in self._pending), default=self.following)

    def report(self, fanout: Fanout, ntp: int, timestamp: int) -> None:
        """A sender report to all who follow, and to those who do not."""
        for source in self.sources:
            fanout.report(source, ntp, timestamp)
        for other in self.aside:
            other.report(ntp, timestamp)

    def recall(self, sequence: int) -> Packet | None:
        """A packet of the history."""
        packet = self._history[sequence % len(self._history)]
        return packet if packet is not None and packet.sequence == sequence else None

    def left(self, sequence: int) -> Left | None:
        """When a packet of the history left."""
        return None if self.recall(sequence) is None else self._left[sequence % len(self._left)]

    def start_packets(self, now: float) -> list[Packet]:
        """The packets since the last keyframe, if they are a start that is worth it."""
        if self._gop_s is None or now - self._gop_s > GOP_SECONDS_MAX or len(self._gop) > GOP_PACKETS_MAX:
            return []
        return sorted(self._gop, key=lambda packet: packet.sequence)

    def flowed(self, since: float, now: float) -> bool:
        """Whether packets have come all the time since then."""
        return self.heard_s is not None and self._paused_s < since and now - self.heard_s <= PAUSE_SECONDS

    # -- time --------------------------------------------------------------------------------------

    def alive(self, now: float) -> bool:
        """Whether packets come."""
        return self.heard_s is not None and now - self.heard_s < SILENT_SECONDS

    def measure(self, now: float) -> None:
        """Once a second: how much it is, and forget a start that has grown old."""
        if self._measured_s is not None and now > self._measured_s:
            bps = int(self.octets * 8 / (now - self._measured_s))
            self._measures += 1
            self.bps += int(max(RATE_SMOOTHING, 1 / self._measures) * (bps - self.bps))
        self.octets, self._measured_s = 0, now
        if self._gop_s is not None and not self.start_packets(now):
            self._gop, self._gop_s = [], None
