"""Random evenings of one show on three relays, on a clock that the test turns, and what left when.

Studios publish, drop, restart with other clocks and move; the shop cuts; relays pull from one another,
lose their source and find another; one stands still for seconds. Programs, shows and slates are the
product's own. A link is played here: a path with a delay that begins, as a session does, with the packets
since the last keyframe, and is missed after a second of silence.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from streaming.contract import RelayId, ShowId, Stage, StudioId
from streaming.domain.timeline import unwrapped
from streaming.fanout import Kind, Packet, SourceId, ViewerId
from streaming.relay.clock import Clock
from streaming.relay.heart import STALLED_SECONDS
from streaming.relay.program import Program
from streaming.relay.rendition import Rendition
from streaming.relay.shows import Shows
from streaming.relay.source import FeedPacket, Source
from streaming.relay.upstream import PART_SECONDS, SILENT_SECONDS
from tests.streaming.fakes import NotedFanout, ToldSource
from tests.streaming.stage import EPOCH, NotedViewer

SHOW: Final = ShowId("sh")
STEP_SECONDS: Final = 0.01
SLATE: Final = (b"\0\0\0\1\x65slate", *(b"\0\0\0\1\x41slate",) * 59)
SOCKET_PACKETS: Final = 100  # so many wait for a relay that stands still
SKEW_SECONDS: Final = 0.2  # of the relays' wall clocks
_numbers = itertools.count(1)


@dataclass(slots=True)
class Sent:
    """A packet as it left a relay for everybody."""

    at: float
    timestamp: int  # unwrapped
    name: str  # of the picture or piece of sound, the same on every relay; empty: the slate's


class Noting(NotedFanout):
    """Notes what left when, and carries it to links."""

    def __init__(self, village: Village) -> None:
        super().__init__()
        self.village = village
        self.sent: dict[Kind, list[Sent]] = {"video": [], "audio": []}
        self.kinds: dict[SourceId, Kind] = {}
        self.links: list[Link] = []

    def open_source(self, kind: Kind) -> SourceId:
        source = super().open_source(kind)
        self.kinds[source] = kind
        return source

    def forward(self, source: SourceId, packets: list[Packet], only: ViewerId | None = None) -> bool:
        kind = self.kinds[source]
        notes = self.sent[kind]
        for packet in packets:
            before = notes[-1].timestamp if notes else None
            name = packet.payload.decode() if packet.payload[:1] in (b"k", b"p", b"s") else ""
            notes.append(Sent(self.village.now, unwrapped(before, packet.timestamp, 32), name))
        for link in self.links:
            link.carry(kind, packets)
        return True


class Studio:
    """A source whose numbers and clocks are others after each start."""

    def __init__(self, name: str, village: Village) -> None:
        self.name, self.village, self.draw = StudioId(name), village, village.draw
        self.at: Host | None = None
        self.feed: Asked | None = None
        self.ticks = [0, 0]
        self.frames = self.sounds = 0
        self.asked_s: float | None = None

    def publish(self, host: Host) -> None:
        """Anew, at this relay."""
        self.leave()
        draw, feed = self.draw, Asked(self)
        self.at, self.feed, self.began_s = host, feed, self.village.now
        self.rate, self.group, self.late_s = (
            draw.choice((25, 30)),
            draw.choice((25, 60, 100)),
            draw.uniform(0, 0.05),
        )
        self.ticks, self.played, self.heard = [draw.randrange(1 << 31), draw.randrange(1 << 31)], 0, 0
        host.feeds[self.name] = feed
        host.shows.feed_came()

    def leave(self) -> None:
        host, self.at = self.at, None
        if host is not None:
            feed = host.feeds.pop(self.name)
            host.shows.feed_gone(feed)

    def jump(self, seconds: float) -> None:
        """Somebody sets its clock."""
        self.ticks = [self.ticks[0] + int(seconds * 90_000), self.ticks[1] + int(seconds * 48_000)]

    def run(self, now: float) -> None:
        host, feed = self.at, self.feed
        if host is None or feed is None:
            return
        while self.began_s + self.played / self.rate <= now:
            keyframe = self.played % self.group == 0 or (
                self.asked_s is not None and now - self.asked_s > 0.05
            )
            self.asked_s = None if keyframe else self.asked_s
            tick = self.ticks[0] + self.played * 90_000 // self.rate
            self.played, self.frames = self.played + 1, self.frames + 1
            name = f"{'k' if keyframe else 'p'} {self.name} {self.frames}".encode()
            host.later(
                now + self.late_s,
                feed,
                FeedPacket("video", self.frames, tick, True, name, keyframe, 0.0),
            )
        while self.began_s + self.heard / 50 <= now:
            tick = self.ticks[1] + self.heard * 960
            self.heard, self.sounds = self.heard + 1, self.sounds + 1
            name = f"s {self.name} {self.sounds}".encode()
            host.later(
                now + self.late_s, feed, FeedPacket("audio", self.sounds, tick, False, name, False, 0.0)
            )


class Asked(ToldSource):
    """A studio's feed; the studio hears of wishes for keyframes."""

    def __init__(self, owner: Studio) -> None:
        super().__init__(next(_numbers), owner.name)
        self.owner = owner

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        self.owner.asked_s = now if self.owner.asked_s is None else self.owner.asked_s


class Link(NotedViewer):
    """A relay's program on its way to another relay: a viewer there, a pulled feed here."""

    def __init__(self, source: Host, to: Host, studio: StudioId, steps: int) -> None:
        super().__init__(pin="")
        self.source, self.to, self.studio, self.steps = source, to, studio, steps
        self.village, self.path_s = to.village, to.village.draw.uniform(0.005, 0.15)
        self.feed = ToldSource(next(_numbers), studio)
        self.feed.pulled = True
        self.follows: dict[Kind, int] = {}
        self.newest: dict[Kind, int] = {}
        self.taken_back = self.cut = False
        self.began_s = self.parted_s = self.village.now

    def begin(self, stream: Rendition, first: int, cached: list[Packet]) -> None:
        self.follows[stream.kind] = first
        self.carry(stream.kind, cached)
        self.follows[stream.kind] = first + len(cached)

    def carry(self, kind: Kind, packets: list[Packet]) -> None:
        if self.cut or kind not in self.follows:
            return
        for packet in packets:
            if packet.sequence >= self.follows[kind]:
                tick = unwrapped(self.newest.get(kind), packet.timestamp, 32)
                self.newest[kind] = max(tick, self.newest.get(kind, tick))
                keyframe = packet.payload.startswith(b"k")
                self.to.later(
                    self.village.now + self.path_s,
                    self.feed,
                    FeedPacket(kind, packet.sequence, tick, packet.marker, packet.payload, keyframe, 0.0),
                )

    def lost(self, now: float) -> bool:
        heard_s = max(self.feed.media_s or 0.0, self.began_s, self.to.awake_s)
        return self.taken_back or now - heard_s > SILENT_SECONDS

    def leave(self) -> None:
        self.source.program.dismiss(self)
        if self in self.source.fanout.links:
            self.source.fanout.links.remove(self)


class Host:
    """One relay: its shows, its wall clock, what waits in its socket, and whom it pulls from."""

    def __init__(self, name: str, village: Village) -> None:
        self.name, self.village = name, village
        self.feeds: dict[StudioId, Asked] = {}
        self.pulls: dict[ShowId, Source] = {}
        self.fanout = Noting(village)
        self.waiting: list[tuple[float, int, ToldSource, FeedPacket]] = []
        self.link: Link | None = None
        self.parting: list[Link] = []
        self.stopped_until_s = self.awake_s = self.retry_s = 0.0
        self.beat_s = village.now
        skew_s = village.draw.uniform(-SKEW_SECONDS, SKEW_SECONDS)
        self.shows = Shows(
            RelayId(name),
            self.fanout,
            Clock(now=lambda: village.now, offset_s=EPOCH + skew_s),
            self.feeds,  # type: ignore[arg-type]  # each is a Source
            self.pulls,
            dismiss=lambda program: None,
            take_back=lambda program: self._take_back(),
            send_away=lambda feed: None,
        )
        self.shows.expected = lambda show, studio: studio not in self.feeds and village.has(studio, self)
        self.shows.show_slate("H264", SLATE)

    @property
    def program(self) -> Program:
        return self.shows.programs[SHOW]

    def wish(self, studio: StudioId, version: int) -> None:
        self.shows.set_stage(Stage(SHOW, version, True, studio, since_ms=self.village.since_ms))

    def steps(self) -> int | None:
        """As relay/giving.py has it."""
        studio = self.shows.stages[SHOW].studio
        if studio is None or self.program.studio != studio:
            return None
        if not self.program.pulled:
            return 0
        return self.link.steps if self.link is not None and self.link.steps <= 1 else None

    def _take_back(self) -> None:
        for link in self.fanout.links:
            link.taken_back = True

    def later(self, at: float, feed: ToldSource, packet: FeedPacket) -> None:
        heapq.heappush(self.waiting, (at, next(_numbers), feed, packet))

    def run(self, now: float) -> None:
        """One beat, unless it stands still."""
        if now < self.stopped_until_s or SHOW not in self.shows.programs:
            return
        if now - self.beat_s > STALLED_SECONDS:
            self.awake_s = now
            self.shows.awake(now)
        self.beat_s = now
        read = 0
        while self.waiting and self.waiting[0][0] <= now:
            _, _, feed, packet = heapq.heappop(self.waiting)
            read += 1
            if read <= SOCKET_PACKETS and self._hears(feed):
                feed.say(packet._replace(arrived_s=now))
        self.shows.tick(now)
        self._look(now)

    def _hears(self, feed: ToldSource) -> bool:
        links = [*self.parting, *([] if self.link is None else [self.link])]
        return feed in self.feeds.values() or any(link.feed is feed for link in links)

    # -- as relay/upstream.py has it ---------------------------------------------------------------

    def _look(self, now: float) -> None:
        studio, link = self.shows.stages[SHOW].studio, self.link
        for old in [each for each in [*self.parting, link] if each is not None and each.lost(now)]:
            self._end(old)
        for old in list(self.parting):
            if not self.program.shows(old.feed) or now - old.parted_s > PART_SECONDS:
                self._end(old)
        link = self.link
        if link is not None and studio is not None and (link.studio != studio or studio in self.feeds):
            self._turn(link, studio, now)
        if studio is not None and studio not in self.feeds and self.link is None and now >= self.retry_s:
            self.retry_s = now + self.village.draw.uniform(0.1, 0.6)
            self._call(studio)

    def _turn(self, link: Link, studio: StudioId, now: float) -> None:
        if studio not in self.feeds and not self.village.has(studio, self):
            self._end(link)
        elif studio in link.source.feeds:
            link.studio = link.feed.studio = studio
            self.shows.feed_renamed(link.feed)
        else:
            self.link, link.parted_s = None, now
            self.parting.append(link)

    def _call(self, studio: StudioId) -> None:
        near = [
            host
            for host in self.village.hosts
            if host is not self
            and SHOW in host.shows.programs
            and self.village.now >= host.stopped_until_s
            and host.shows.stages[SHOW].studio == studio
            and host.steps() is not None
            and not (host.link is not None and host.link.source is self)
        ]
        near.sort(key=lambda host: host.steps() or 0)
        if near:
            steps = near[0].steps() or 0
            self.link = link = Link(near[0], self, studio, steps + 1)
            self.pulls[SHOW] = link.feed
            self.shows.feed_came()
            near[0].fanout.links.append(link)
            near[0].program.admit(link, self.village.now)

    def _end(self, link: Link) -> None:
        link.leave()
        if link in self.parting:
            self.parting.remove(link)
        if self.link is link:
            self.link = None
        if self.pulls.get(SHOW) is link.feed:
            del self.pulls[SHOW]
        self.shows.feed_gone(link.feed)


class Village:
    """Three relays, three studios, one show that has been on air for a while."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.now = 1000.0
        self.since_ms = int((EPOCH + self.now - self.draw.choice((0.0, 5.0, 4_000.0, 200_000.0))) * 1000)
        self.hosts = [Host(f"r{n}", self) for n in range(3)]
        self.studios = [Studio(f"st-{n}", self) for n in range(3)]
        self.version = 0
        self.wishes: list[tuple[float, Host, StudioId, int]] = []
        self.told: list[str] = []

    def has(self, studio: StudioId, asker: Host) -> bool:
        """Whether the registry says that another relay has it."""
        return any(studio in host.feeds for host in self.hosts if host is not asker)

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += STEP_SECONDS
            for at, host, studio, version in list(self.wishes):
                if at <= self.now and self.now >= host.stopped_until_s:
                    self.wishes.remove((at, host, studio, version))
                    host.wish(studio, version)
            for each in self.studios:
                each.run(self.now)
            for host in self.hosts:
                host.run(self.now)

    # -- what may happen ---------------------------------------------------------------------------

    def cut(self, studio: Studio | None = None) -> None:
        """The shop cuts; each relay hears of it when it does."""
        self.version += 1
        chosen = studio or self.draw.choice(self.studios)
        for host in self.hosts:
            self.wishes.append((self.now + self.draw.uniform(0, 0.3), host, chosen.name, self.version))

    def restart(self) -> None:
        """A studio begins anew, where it was or elsewhere."""
        self.draw.choice(self.studios).publish(self.draw.choice(self.hosts))

    def drop(self) -> None:
        self.draw.choice(self.studios).leave()

    def jump(self) -> None:
        self.draw.choice(self.studios).jump(self.draw.choice((-4_000.0, -3.0, -1.5, 0.8, 3.0, 40.0, 4_000.0)))

    def cut_link(self) -> None:
        """A relay's source falls silent for it."""
        for host in self.draw.sample(self.hosts, 3):
            if host.link is not None:
                host.link.cut = True
                return

    def stand_still(self) -> None:
        self.draw.choice(self.hosts).stopped_until_s = self.now + self.draw.choice((0.3, 0.8, 3.0, 8.0))

    def settle(self) -> None:
        """What is wished is there again."""
        wished = self.studios[0]
        if wished.at is None:
            wished.publish(self.draw.choice(self.hosts))
        self.cut(wished)

    def evening(self, happenings: int) -> None:
        """From an empty stage to a quiet end."""
        may: list[Callable[[], None]] = [self.cut, self.cut, self.restart, self.restart]
        may += [self.drop, self.jump, self.cut_link, self.cut_link, self.stand_still]
        for host in self.hosts:
            host.wish(self.studios[0].name, 0)
            self.run(self.draw.choice((0.0, 2.0)))
        for host in self.hosts:
            host.program.admit(NotedViewer(), self.now)
        for _ in range(happenings):
            what = self.draw.choice(may)
            self.told.append(f"{self.now - 1000:.2f} {what.__name__}")
            what()
            self.run(self.draw.choice((0.05, 0.5, 1.5, 4.0)))
        self.settle()
        self.run(14.0)
