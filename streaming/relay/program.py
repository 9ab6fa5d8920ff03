"""What is on air in one show: cut from the feeds at keyframes, numbered and timed as one stream.

The program gives every packet its sequence and its program time, remembers what viewers may ask
for again, and hands frames to the fan-out. Must never know sockets, keys or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..contract import PROGRAM_TIME_HZ, Codec, ProgramTime, ShowId, StudioId
from ..domain import timeline
from ..fanout import Fanout, Kind, Packet
from .clock import Clock
from .meeting import Meeting
from .onair import OnAir
from .rendition import Audience, Rendition
from .sound import Sound
from .source import FeedPacket, Source
from .waking import Waking
from .watching import Watching


@dataclass(frozen=True, slots=True)
class Cut:
    """The program changed its feed: a fact for the shop."""

    studio: StudioId | None
    program_time: ProgramTime
    first: bool  # of a studio, since the show went on air
    regrouped: bool = False  # its encodings are others than before


class Program:
    """One show's outgoing picture and sound, the same for every viewer."""

    def __init__(
        self,
        show: ShowId,
        codec: Codec,
        fanout: Fanout,
        clock: Clock,
        fact: Callable[[Program, Cut], None],
        *,
        since_unix_s: float | None = None,
    ) -> None:
        """`since_unix_s`: when the show went on air, whence all relays count; None: from its first frame."""
        self.show, self.codec = show, codec
        self.clock = timeline.ProgramClock(since_unix_s)
        self.audio = Sound(fanout)
        self.video: dict[str, Rendition] = {}
        self._meeting = Meeting(self.clock, self.audio, self._begun)
        self.dropped = self.queue_full = self.keyframes = self.cuts = 0
        self._fanout, self._clock, self._fact = fanout, clock, fact
        self._wished: Source | None = None
        self._wished_s = 0.0
        self._on_air: OnAir | None = None
        self._watching = Watching(self.video, self._flush, self._ask_keyframe)
        self._studio_shown = False
        self.waking = Waking(lambda now: self.clock.at(clock.unix(now)))
        self._names: tuple[str, ...] = ()  # the encodings of what was cut to last

    @property
    def viewers(self) -> set[Audience]:
        """Who watches here, other relays among them."""
        return self._watching.viewers

    @property
    def audience(self) -> int:
        """How many are watching here; other relays count their own."""
        return self._watching.persons

    @property
    def packets(self) -> dict[Kind, int]:
        """How many went out, each counted once whoever watches."""
        return {"video": sum(r.packets for r in self.video.values()), "audio": self.audio.packets}

    def renditions(self) -> list[tuple[str, Rendition, int]]:
        """Every encoding of the picture: its name, itself, and how many follow it here."""
        followers = self._watching.followers()
        return [(name, rendition, followers(rendition)) for name, rendition in self.video.items()]

    def offered(self) -> tuple[str, ...]:
        """The encodings that another relay may pull one by one, whether they come just now or not; the
        largest first."""
        sizes = {rendition.name: rendition.size() for rendition in self._begun()}
        return tuple(sorted(self._names, key=lambda name: sizes.get(name, (0, 0)), reverse=True)) or ("",)

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

    @property
    def pulled(self) -> bool:
        """Whether what is on air comes from another relay."""
        return self._on_air is not None and self._on_air.feed.pulled

    def shows(self, feed: Source) -> bool:
        """Whether this source is on air just now."""
        return self._on_air is not None and self._on_air.feed is feed

    @property
    def heard_s(self) -> float | None:
        """When the last packet of its picture came, of whatever source."""
        return max((r.heard_s for r in self.video.values() if r.heard_s is not None), default=None)

    def awaits_in_vain(self, feed: Source, since: float) -> bool:
        """Whether nothing is on air, the last picture is of before that, and so is the wish for this feed."""
        if self._on_air is not None or feed is not self._wished or self._wished_s > since:
            return False
        return self.heard_s is not None and self.heard_s < since

    def wish(self, feed: Source | None, now: float) -> None:
        """Cut to this feed at its next keyframe; None leaves what is on air."""
        if feed is self._wished:
            return
        if self._wished is not None and (self._on_air is None or self._wished is not self._on_air.feed):
            self._wished.listeners.remove(self)
        self._wished, self._wished_s = feed, now
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
        for rendition in (self.audio, *self.video.values()):
            rendition.close(self._fanout)

    def request_keyframe(self, viewer: Audience, now: float) -> None:
        """A viewer cannot go on; the feed merges and limits."""
        wanted = self._watching.wanted_of(viewer)
        if wanted is None or wanted.should_ask(now, hurry=viewer.pin is not None):  # else it asks again
            self._ask_keyframe(now, None if wanted is None else wanted.name)

    def _ask_keyframe(self, now: float, name: str | None) -> None:
        if self._on_air is not None:
            self._on_air.feed.request_keyframe(now, name)

    # -- packets -----------------------------------------------------------------------------------

    def take(self, feed: Source, packet: FeedPacket) -> None:
        """Packets of a source we listen to."""
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

    def _cut(self, feed: Source, packet: FeedPacket) -> OnAir:
        old = self._on_air
        if old is not None and old.feed is not feed and self in old.feed.listeners:
            old.feed.listeners.remove(self)
        first = feed.studio is not None and not self._studio_shown
        self._studio_shown = self._studio_shown or first
        at, ahead = self._cut_time(feed, packet)
        self._on_air = here = OnAir(feed, feed.era, packet.tick, at, packet.arrived_s, packet.rid, ahead)
        self.cuts += 1
        regrouped, self._names = feed.names != self._names, feed.names
        self._fact(self, Cut(feed.studio, at, first, regrouped))
        return here

    def _cut_time(self, feed: Source, packet: FeedPacket) -> tuple[ProgramTime, int]:
        """Program time of a cut, and by how much it is ahead of a pulled feed's own.

        It goes on over a cut, but a pulled feed brings its own: a pin is one moment anywhere.
        """
        now_unix = self._clock.unix(packet.arrived_s)
        at = self.clock.next_cut(now_unix)
        if not feed.pulled or packet.kind == "audio":
            return at, 0
        return self._meeting.cut(at, packet.tick, now_unix, seen=bool(self.viewers))

    def _take_video(self, here: OnAir, packet: FeedPacket) -> None:
        rendition = self.video.get(packet.rid)
        if rendition is None or rendition.origin != here.source or rendition.line is None:
            if not packet.keyframe:
                return
            rendition = self._begin_rendition(here, packet)
        line = rendition.line or self._line(here, packet)
        if self.waking.leaves_out(here, rendition, line, packet):
            self.dropped += 1 + len(packet.more)
            return
        if not packet.payload and rendition.skip(packet.sequence):
            return
        own = rendition.number(packet.sequence, 1 + len(packet.more))
        if own is None:
            self.dropped += 1 + len(packet.more)
            return
        outgoing, last = line.outgoing(packet.tick), own + len(packet.more)
        if last == rendition.newest and (outgoing != rendition.last or packet.marker or packet.keyframe):
            outgoing = self._observe(here, rendition, line, packet)
        capture = self.clock.captured_ntp(outgoing) if packet.keyframe else None
        if packet.keyframe:
            self.keyframes += 1
            self._watching.keyframe(rendition, own)
        rendition.put(packet.leaving(own, outgoing, capture), packet.keyframe, packet.arrived_s)
        if packet.marker:
            self._flush(rendition)

    def _observe(self, here: OnAir, rendition: Rendition, line: timeline.Line, packet: FeedPacket) -> int:
        """The newest packet of a rendition: its time, and what it says of program time."""
        now_unix = self._clock.unix(packet.arrived_s)
        at = self.clock.at(now_unix)
        outgoing = line.place(packet.tick, rendition.last, at)
        if outgoing is None:  # the source's clock leapt; not ours
            outgoing = self.clock.next_cut(now_unix)
            line.offset = outgoing - packet.tick
            if packet.rid == here.rid:
                here.anchor(packet, ProgramTime(outgoing))
        elif here.was_late(packet.arrived_s, outgoing - at) and (rendition.last or outgoing) < outgoing:
            early = outgoing - max(at, (rendition.last or 0) + 1)
            outgoing -= early
            here.hold_back(early)
            self._meeting.move_pictures(-early)
        rendition.last = outgoing
        if packet.marker or packet.keyframe:
            self.clock.observe(outgoing, now_unix, trusting=not here.is_fresh(packet.arrived_s))
        return outgoing

    def _begin_rendition(self, here: OnAir, packet: FeedPacket) -> Rendition:
        """The first keyframe of an encoding since the cut: whoever watches what is gone goes there."""
        rendition = self.video.get(packet.rid)
        if rendition is None:
            rendition = Rendition("video", packet.rid, self._fanout.open_source("video"))
            self.video[packet.rid] = rendition
        rendition.last = None
        rendition.cut(here.source, packet.sequence, self._line(here, packet))
        self._watching.adopt(rendition, here.feed.layers)
        self._prune(here)
        return rendition

    def _line(self, here: OnAir, packet: FeedPacket) -> timeline.Line:
        """Program time of an encoding: the one that was cut to is the master of all others."""
        if here.feed.pulled:
            offset = here.offset_of_pulled(packet.tick, timeline.VIDEO_HZ)
            return timeline.Followed(timeline.VIDEO_HZ, offset, settled=True, floor=self.clock.last_ticks)
        if packet.rid == here.rid and packet.tick == here.tick:
            return timeline.Line(timeline.VIDEO_HZ, here.program_time - here.tick, settled=True)
        capture = here.feed.layers[packet.rid].capture
        offset, _ = here.offset_beside(capture, packet.tick, packet.arrived_s, timeline.VIDEO_HZ)
        return timeline.Line(timeline.VIDEO_HZ, offset, settled=True)

    def _prune(self, here: OnAir) -> None:
        """Renditions that nobody watches and nothing feeds any more."""
        followers = self._watching.followers()
        for name, old in list(self.video.items()):
            if old.origin != here.source and not followers(old) and name not in here.feed.layers:
                self._fanout.close_source(old.source)
                del self.video[name]

    def _take_audio(self, here: OnAir, packet: FeedPacket) -> None:
        audio, now_unix = self.audio, self._clock.unix(packet.arrived_s)
        line = here.sound_line or self._sound_line(here, packet, now_unix)
        outgoing = line.outgoing(packet.tick)
        if here.ahead > 0:
            outgoing -= self._meeting.find_not_behind(here, outgoing, now_unix)
        if not here.feed.pulled and timeline.sound_leaps(audio.last, outgoing, self.clock.at(now_unix)):
            at = self.clock.next_cut(now_unix) * timeline.AUDIO_HZ // PROGRAM_TIME_HZ
            line = here.sound_line = timeline.Line(timeline.AUDIO_HZ, at - packet.tick)
            outgoing = at
        stale = self.waking.is_stale(packet.arrived_s, outgoing * PROGRAM_TIME_HZ // timeline.AUDIO_HZ)
        if stale and audio.line is line and audio.skip(packet.sequence):
            self.dropped += 1
            return
        if audio.line is not line:
            if audio.last is not None and outgoing <= audio.last:  # of before the cut: sound never goes back
                self.dropped += 1
                return
            audio.cut(here.source, packet.sequence, line)
        if audio.last is not None and outgoing <= audio.last and audio.skip(packet.sequence):
            self.dropped += 1  # of what came late to begin with; an earlier packet that was repaired goes on
            return
        own = audio.number(packet.sequence)
        if own is None:
            self.dropped += 1
            return
        audio.last = outgoing if audio.last is None else max(outgoing, audio.last)
        if "video" not in here.feed.tracks:
            self.clock.observe(outgoing * PROGRAM_TIME_HZ // timeline.AUDIO_HZ, now_unix)
        out = Packet(own, outgoing & 0xFFFFFFFF, packet.marker, packet.payload)
        audio.put([out], False, packet.arrived_s)

    def _sound_line(self, here: OnAir, packet: FeedPacket, now_unix: float) -> timeline.Line:
        """Program time of the sound behind a cut, by its first packet."""
        line = here.sound_line = timeline.Line(timeline.AUDIO_HZ, 0)
        line.offset, line.settled = self._audio_offset(here, packet.tick, packet.arrived_s)
        if here.feed.pulled:
            self._meeting.find_wraps(here, packet.tick)
            line.offset, line.settled = here.offset_of_pulled(packet.tick, timeline.AUDIO_HZ), True
            self._meeting.find_behind(here, line, line.outgoing(packet.tick), now_unix)
        return line

    def flush(self) -> None:
        """Hand on what was gathered while the socket was read."""
        self._flush(self.audio)
        for rendition in self.video.values():
            self._flush(rendition)

    def _flush(self, rendition: Rendition) -> None:
        for source, packets in rendition.leaving():
            if not self._fanout.forward(source, packets):
                self.queue_full += len(packets)

    # -- sound beside picture ----------------------------------------------------------------------

    def clocks_learnt(self, feed: Source) -> None:
        """Correct the sound's line by what the feed now knows of its capture clocks."""
        here = self._on_air
        track = feed.tracks.get("audio")
        if here is None or here.feed is not feed or track is None or track.tick is None:
            return
        if here.sound_line is not None and "video" in feed.tracks and not feed.pulled:
            offset, by_capture = self._audio_offset(here, track.tick, feed.media_s or here.arrived_s)
            if by_capture:
                here.sound_line.correct(offset)

    def _audio_offset(self, here: OnAir, tick: int, arrived_s: float) -> tuple[int, bool]:
        audio = here.feed.tracks["audio"].capture
        return here.offset_beside(audio, tick, arrived_s, timeline.AUDIO_HZ)

    # -- viewers -----------------------------------------------------------------------------------

    def admit(self, viewer: Audience, now: float) -> None:
        """Start a viewer at once from the packets since the last keyframe, else at the next one."""
        self.flush()
        begun = self._begun()
        alive = [rendition for rendition in begun if rendition.alive(now)]
        self._watching.admit(viewer, alive if alive and viewer.pin is None else begun, now)
        viewer.begin(self.audio, self.audio.following, [])

    def renew(self, viewer: Audience, now: float, room_bytes: int) -> None:
        """Begin its picture anew: it missed what left lately, and its path takes so much at once."""
        self.flush()
        self._watching.renew(viewer, now, room_bytes)

    def _begun(self) -> list[Rendition]:
        """The renditions of the source on air."""
        here = self._on_air
        return [r for r in self.video.values() if here is not None and r.origin == here.source]

    def dismiss(self, viewer: Audience) -> None:
        """A viewer left."""
        self._watching.dismiss(viewer)

    @property
    def layered(self) -> bool:
        """Whether there is a choice of renditions."""
        return self._on_air is not None and len(self._on_air.feed.layers) > 1

    def adapt(self, now: float) -> None:
        """Many times a second: give each viewer the rendition that its path bears."""
        self._watching.adapt([r for r in self._begun() if r.alive(now)], self.audio.bps, now)

    def report(self, now: float) -> None:
        """Sender reports to all viewers: program time against the relay's wall clock. Once a second."""
        if self.layered and self.clock.running:
            ntp, _ = self.clock.report(self._clock.unix(now), timeline.VIDEO_HZ)
            self._watching.reporting(timeline.middle(ntp), now)
        for rendition in (self.audio, *self.video.values()):
            rendition.measure(now)
            if self.clock.running:
                rate = timeline.VIDEO_HZ if rendition.kind == "video" else timeline.AUDIO_HZ
                ntp, timestamp = self.clock.report(self._clock.unix(now), rate)
                rendition.report(self._fanout, ntp, timestamp & 0xFFFFFFFF)
