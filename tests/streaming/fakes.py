"""Readable stand-ins: a sender that notes what it is told, a source that says what it is bidden."""

from __future__ import annotations

from dataclasses import dataclass, field

from streaming.contract import Codec, StudioId
from streaming.domain.timeline import AUDIO_HZ, VIDEO_HZ, CaptureClock
from streaming.fanout import (
    Address,
    Kind,
    Packet,
    Resend,
    Seat,
    SourceId,
    Totals,
    ViewerCounts,
    ViewerId,
)
from streaming.relay.source import FeedPacket, Listener, Source


@dataclass
class NotedFanout:
    """Takes every job and sends nothing."""

    forwarded: dict[SourceId, list[Packet]] = field(default_factory=dict)
    alone: dict[ViewerId, list[Packet]] = field(default_factory=dict)
    segments: list[tuple[ViewerId, SourceId, int]] = field(default_factory=list)
    resent: list[tuple[ViewerId, Resend]] = field(default_factory=list)
    said: list[tuple[ViewerId, bytes]] = field(default_factory=list)
    reports: list[tuple[SourceId, int, int]] = field(default_factory=list)
    moves: list[tuple[ViewerId, Address]] = field(default_factory=list)
    seats: dict[ViewerId, Seat] = field(default_factory=dict)
    extended: list[tuple[ViewerId, Kind, tuple[tuple[int, bytes], ...]]] = field(default_factory=list)
    paused: list[tuple[ViewerId, Kind]] = field(default_factory=list)
    full: bool = False
    opened: int = 0

    @property
    def path(self) -> str:
        return "noted"

    def open_source(self, kind: Kind) -> SourceId:
        self.opened += 1
        source = SourceId(self.opened)
        self.forwarded[source] = []
        return source

    def close_source(self, source: SourceId) -> None:
        self.forwarded.pop(source, None)

    def join(self, seat: Seat) -> ViewerId:
        viewer = ViewerId(len(self.seats) + 1)
        self.seats[viewer] = seat
        return viewer

    def leave(self, viewer: ViewerId) -> ViewerCounts:
        self.seats.pop(viewer, None)
        return ViewerCounts()

    def move(self, viewer: ViewerId, address: Address) -> None:
        self.moves.append((viewer, address))

    def segment(self, viewer: ViewerId, source: SourceId, offset: int) -> None:
        self.segments.append((viewer, source, offset))

    def extend(self, viewer: ViewerId, kind: Kind, constants: tuple[tuple[int, bytes], ...]) -> None:
        self.extended.append((viewer, kind, constants))

    def pause(self, viewer: ViewerId, kind: Kind) -> None:
        self.paused.append((viewer, kind))

    def forward(self, source: SourceId, packets: list[Packet], only: ViewerId | None = None) -> bool:
        if self.full:
            return False
        if only is None:
            self.forwarded[source] += packets
        else:
            self.alone.setdefault(only, []).extend(packets)
        return True

    def resend(self, viewer: ViewerId, kind: Kind, packets: list[Resend]) -> bool:
        self.resent += [(viewer, packet) for packet in packets]
        return True

    def rtcp(self, viewer: ViewerId, compound: bytes) -> bool:
        self.said.append((viewer, compound))
        return True

    def report(self, source: SourceId, ntp_time: int, timestamp: int) -> bool:
        self.reports.append((source, ntp_time, timestamp))
        return True

    def counts(self, viewer: ViewerId) -> ViewerCounts:
        return ViewerCounts()

    def totals(self) -> Totals:
        return Totals(len(self.seats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def drain(self, timeout_s: float = 5.0) -> bool:
        return True

    def close(self) -> None:
        pass


@dataclass
class ToldTrack:
    rate_hz: int
    tick: int | None = None
    capture: CaptureClock = field(init=False)

    def __post_init__(self) -> None:
        self.capture = CaptureClock(self.rate_hz)


class ToldSource:
    """A source whose packets the test makes."""

    def __init__(
        self, number: int, studio: str | None = "st-1", *, sound: bool = True, rids: tuple[str, ...] = ("",)
    ) -> None:
        self.number, self.era, self.studio = number, 0, None if studio is None else StudioId(studio)
        self.codec: Codec = "H264"
        self.pulled = False
        self.listeners: list[Listener] = []
        self.media_s: float | None = None
        self.keyframes_wanted = 0
        self.wanted_of: list[str | None] = []
        self.names = rids
        self.layers = {rid: ToldTrack(VIDEO_HZ) for rid in rids}
        self.tracks: dict[Kind, ToldTrack] = {"video": self.layers[rids[-1]]}
        if sound:
            self.tracks["audio"] = ToldTrack(AUDIO_HZ)

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        self.keyframes_wanted += 1
        self.wanted_of.append(rid)

    def say(self, packet: FeedPacket) -> None:
        track = self.layers[packet.rid] if packet.kind == "video" else self.tracks["audio"]
        track.tick = max(track.tick or packet.tick, packet.tick)
        self.media_s = packet.arrived_s
        source: Source = self
        for listener in list(self.listeners):
            listener.take(source, packet)

    def picture(
        self,
        sequence: int,
        tick: int,
        now: float,
        *,
        keyframe: bool = False,
        payload: bytes = b"x",
        rid: str = "",
    ) -> None:
        self.say(FeedPacket("video", sequence, tick, True, payload, keyframe, now, rid))

    def sound(self, sequence: int, tick: int, now: float) -> None:
        self.say(FeedPacket("audio", sequence, tick, False, b"s", False, now))
