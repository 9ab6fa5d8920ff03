"""What is on air in one show: cut from the feeds at keyframes, numbered and timed as one stream.

The program gives every packet its sequence and its program time, remembers what viewers may ask
for again, and hands frames to the fan-out. Must never know sockets, keys or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ..contract import PROGRAM_TIME_HZ, Codec, ProgramTime, ShowId, StudioId
from ..domain import timeline
from ..domain.segments import Segments
from ..fanout import Fanout, Kind, Packet, SourceId
from .clock import Clock
from .source import FeedPacket, Source

HISTORY_PACKETS: Final = {"video": 2048, "audio": 256}
GOP_PACKETS_MAX: Final = 2000
GOP_SECONDS_MAX: Final = 4.0  # an older group of pictures is no start; a new keyframe is asked for
CAPTURE_TRUST_SECONDS: Final = 1.0  # a capture clock further from arrival than this is not believed


class Audience(Protocol):
    """A viewer, as the program sees it."""

    def begin(self, kind: Kind, source: SourceId, first: int, cached: list[Packet]) -> None:
        """Follow `source` from its sequence `first` on; `cached` packets leave now, for this viewer alone."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The program changed its feed: a fact for the shop."""

    studio: StudioId | None
    program_time: ProgramTime
    first: bool  # of a studio, since the show went on air


@dataclass(slots=True)
class _OnAir:
    """The feed on air and how its clock became program time."""

    feed: Source
    era: int
    tick: int  # of the frame at the cut, which is the master of sound
    program_time: ProgramTime
    arrived_s: float
    lines: dict[Kind, timeline.Line]
    sound_begun: bool = False

    @property
    def source(self) -> tuple[int, int]:
        return self.feed.number, self.era


class Program:
    """One show's outgoing picture and sound, the same for every viewer."""

    def __init__(
        self, show: ShowId, codec: Codec, fanout: Fanout, clock: Clock, fact: Callable[[Program, Cut], None]
    ) -> None:
        self.show, self.codec = show, codec
        self.clock = timeline.ProgramClock()
        self.viewers: set[Audience] = set()
        self.sources: dict[Kind, SourceId] = {
            "video": fanout.open_source("video"),
            "audio": fanout.open_source("audio"),
        }
        self.packets: dict[Kind, int] = {"video": 0, "audio": 0}
        self.dropped = 0
        self.queue_full = 0
        self.keyframes = 0
        self.cuts = 0
        self._fanout, self._clock, self._fact = fanout, clock, fact
        self._wished: Source | None = None
        self._on_air: _OnAir | None = None
        self._segments: dict[Kind, Segments[tuple[int, int]]] = {"video": Segments(0), "audio": Segments(0)}
        self._history: dict[Kind, list[Packet | None]] = {
            "video": [None] * HISTORY_PACKETS["video"],
            "audio": [None] * HISTORY_PACKETS["audio"],
        }
        self._pending: dict[Kind, list[Packet]] = {"video": [], "audio": []}
        self._gop: list[Packet] = []
        self._gop_s: float | None = None  # when the keyframe came; None: no start at hand
        self._waiting: set[Audience] = set()
        self._studio_shown = False
        self._last: dict[Kind, int] = {}  # newest outgoing timestamp, unwrapped

    # -- which feed --------------------------------------------------------------------------------

    @property
    def studio(self) -> StudioId | None:
        """The studio on air now."""
        return None if self._on_air is None else self._on_air.feed.studio

    @property
    def started(self) -> bool:
        """Whether a frame has left since the show went on air, be it the slate's."""
        return self.clock.running

    @property
    def live(self) -> bool:
        """Whether a studio is on air just now."""
        return self._on_air is not None and self._on_air.feed.studio is not None

    def wish(self, feed: Source | None, now: float) -> None:
        """Cut to this feed at its next keyframe; None leaves what is on air."""
        if feed is self._wished:
            return
        if self._wished is not None and (self._on_air is None or self._wished is not self._on_air.feed):
            self._wished.listeners.remove(self)
        self._wished = feed
        if feed is not None and self not in feed.listeners:
            feed.listeners.append(self)
        if feed is not None and (self._on_air is None or feed is not self._on_air.feed):
            feed.request_keyframe(now)

    def lose(self, feed: Source) -> None:
        """A feed ended."""
        if self in feed.listeners:
            feed.listeners.remove(self)
        if self._wished is feed:
            self._wished = None
        if self._on_air is not None and self._on_air.feed is feed:
            self._on_air = None

    def close(self) -> None:
        """The show went off air."""
        on_air = None if self._on_air is None else self._on_air.feed
        for feed in (self._wished, on_air):
            if feed is not None and self in feed.listeners:
                feed.listeners.remove(self)
        for source in self.sources.values():
            self._fanout.close_source(source)

    def request_keyframe(self, now: float) -> None:
        """A viewer cannot go on; the feed merges and limits."""
        if self._on_air is not None:
            self._on_air.feed.request_keyframe(now)

    # -- packets -----------------------------------------------------------------------------------

    def take(self, feed: Source, packet: FeedPacket) -> None:
        """A packet of a feed we listen to."""
        here = self._on_air
        if here is None or feed is not here.feed or feed.era != here.era:
            if feed is not self._wished or not self._may_cut(feed, packet):
                return
            here = self._cut(feed, packet)
        if packet.kind == "video":
            self._take_video(here, packet)
        else:
            self._take_audio(here, packet)

    @staticmethod
    def _may_cut(feed: Source, packet: FeedPacket) -> bool:
        return packet.keyframe or "video" not in feed.tracks

    def _cut(self, feed: Source, packet: FeedPacket) -> _OnAir:
        old = self._on_air
        if old is not None and old.feed is not feed and self in old.feed.listeners:
            old.feed.listeners.remove(self)
        first = feed.studio is not None and not self._studio_shown
        self._studio_shown = self._studio_shown or first
        at = self.clock.next_cut(self._clock.unix(packet.arrived_s))
        self._on_air = here = _OnAir(feed, feed.era, packet.tick, at, packet.arrived_s, {})
        rate = feed.tracks[packet.kind].rate_hz
        offset = at * rate // PROGRAM_TIME_HZ - packet.tick
        here.lines[packet.kind] = timeline.Line(rate, offset, settled=True)
        self._segments[packet.kind].switch(here.source, packet.sequence)
        self.cuts += 1
        self._fact(self, Cut(feed.studio, at, first))
        return here

    def _take_video(self, here: _OnAir, packet: FeedPacket) -> None:
        segments, line = self._segments["video"], here.lines["video"]
        if not packet.payload and segments.skip(here.source, packet.sequence):
            return
        own = segments.own(here.source, packet.sequence)
        if own is None:
            self.dropped += 1
            return
        now_unix = self._clock.unix(packet.arrived_s)
        last = self._last.get("video", line.outgoing(packet.tick))
        outgoing = line.outgoing(packet.tick)
        if own == segments.following - 1:
            if timeline.leaps(last, outgoing, line.rate_hz):  # the source's clock jumped; ours does not
                line.offset = self.clock.next_cut(now_unix) - packet.tick
                outgoing = line.outgoing(packet.tick)
            self._last["video"] = outgoing
            if packet.marker or packet.keyframe:
                self.clock.observe(outgoing, now_unix)
        capture = self.clock.captured_ntp(outgoing) if packet.keyframe else None
        out = Packet(own, outgoing & 0xFFFFFFFF, packet.marker, packet.payload, capture)
        if packet.keyframe:
            self._keyframe(out, packet.arrived_s)
        elif self._gop_s is not None:
            self._gop.append(out)
        self._remember("video", out)
        if packet.marker:
            self._flush_kind("video")

    def _keyframe(self, first: Packet, now: float) -> None:
        """A new group of pictures: those who wait begin here."""
        self.keyframes += 1
        self._gop, self._gop_s = [first], now
        if self._waiting:
            self._flush_kind("video")
            for viewer in self._waiting:
                viewer.begin("video", self.sources["video"], first.sequence, [])
            self._waiting.clear()

    def _take_audio(self, here: _OnAir, packet: FeedPacket) -> None:
        segments = self._segments["audio"]
        line = here.lines.get("audio")
        if line is None:
            line = timeline.Line(timeline.AUDIO_HZ, 0)
            line.offset, line.settled = self._audio_offset(here, packet.tick, packet.arrived_s)
            here.lines["audio"] = line
        outgoing = line.outgoing(packet.tick)
        if not here.sound_begun:
            if outgoing <= self._last.get("audio", -1):  # of before the cut: sound never goes back
                self.dropped += 1
                return
            here.sound_begun = True
            segments.switch(here.source, packet.sequence)
        own = segments.own(here.source, packet.sequence)
        if own is None:
            self.dropped += 1
            return
        self._last["audio"] = max(outgoing, self._last.get("audio", 0))
        if "video" not in here.feed.tracks:
            ticks = outgoing * PROGRAM_TIME_HZ // timeline.AUDIO_HZ
            self.clock.observe(ticks, self._clock.unix(packet.arrived_s))
        self._remember("audio", Packet(own, outgoing & 0xFFFFFFFF, packet.marker, packet.payload))

    def _remember(self, kind: Kind, packet: Packet) -> None:
        ring = self._history[kind]
        ring[packet.sequence % len(ring)] = packet
        self._pending[kind].append(packet)
        self.packets[kind] += 1

    def flush(self) -> None:
        """Hand on what was gathered while the socket was read."""
        self._flush_kind("audio")
        self._flush_kind("video")

    def _flush_kind(self, kind: Kind) -> None:
        packets = self._pending[kind]
        if packets:
            self._pending[kind] = []
            if not self._fanout.forward(self.sources[kind], packets):
                self.queue_full += len(packets)

    # -- sound beside picture ----------------------------------------------------------------------

    def clocks_learnt(self, feed: Source) -> None:
        """Correct the sound's line by what the feed now knows of its capture clocks."""
        here = self._on_air
        track = feed.tracks.get("audio")
        if here is None or here.feed is not feed or track is None or track.tick is None:
            return
        line = here.lines.get("audio")
        if line is not None and "video" in feed.tracks:
            offset, by_capture = self._audio_offset(here, track.tick, feed.media_s or here.arrived_s)
            if by_capture:
                line.correct(offset)

    def _audio_offset(self, here: _OnAir, tick: int, arrived_s: float) -> tuple[int, bool]:
        by_arrival = timeline.aligned_offset(
            (here.tick, here.program_time, here.arrived_s), tick, arrived_s, timeline.AUDIO_HZ
        )
        video, audio = here.feed.tracks.get("video"), here.feed.tracks["audio"]
        picture = None if video is None else video.capture.captured_at(here.tick)
        sound = audio.capture.captured_at(tick)
        if picture is None or sound is None:
            return by_arrival, False
        by_capture = timeline.aligned_offset(
            (here.tick, here.program_time, picture), tick, sound, timeline.AUDIO_HZ
        )
        if abs(by_capture - by_arrival) > CAPTURE_TRUST_SECONDS * timeline.AUDIO_HZ:
            return by_arrival, False
        return by_capture, True

    # -- viewers -----------------------------------------------------------------------------------

    def admit(self, viewer: Audience, now: float) -> None:
        """Start a viewer at once from the packets since the last keyframe, else at the next one."""
        self.viewers.add(viewer)
        self.flush()
        cached = self._start_packets(now)
        if cached:
            viewer.begin("video", self.sources["video"], cached[0].sequence, cached)
        else:
            self._waiting.add(viewer)
            self.request_keyframe(now)
        viewer.begin("audio", self.sources["audio"], self._segments["audio"].following, [])

    def _start_packets(self, now: float) -> list[Packet]:
        if self._gop_s is None or now - self._gop_s > GOP_SECONDS_MAX or len(self._gop) > GOP_PACKETS_MAX:
            return []
        return sorted(self._gop, key=lambda packet: packet.sequence)

    def dismiss(self, viewer: Audience) -> None:
        """A viewer left."""
        self.viewers.discard(viewer)
        self._waiting.discard(viewer)

    def recall(self, kind: Kind, sequence: int) -> Packet | None:
        """A packet of the history by its program sequence."""
        ring = self._history[kind]
        packet = ring[sequence % len(ring)]
        return packet if packet is not None and packet.sequence == sequence else None

    def newest(self, kind: Kind) -> int:
        """The highest sequence given out so far."""
        return self._segments[kind].following - 1

    def report(self, now: float) -> None:
        """Sender reports to all viewers: program time against the relay's wall clock. Once a second."""
        if len(self._gop) > GOP_PACKETS_MAX or (self._gop_s and now - self._gop_s > GOP_SECONDS_MAX):
            self._gop, self._gop_s = [], None
        if self.clock.running:
            for kind, source in self.sources.items():
                rate = timeline.VIDEO_HZ if kind == "video" else timeline.AUDIO_HZ
                ntp, timestamp = self.clock.report(self._clock.unix(now), rate)
                self._fanout.report(source, ntp, timestamp & 0xFFFFFFFF)
