"""A show in three sizes, roads with a bottleneck and a queue, and players behind them: on a clock of our own.

The relay's program and viewers are the real ones; the studio, the sender and the network are played.
Nothing waits: a minute of a viewer's life takes about a second. Players speak real RTCP.
"""

from __future__ import annotations

import random
from typing import Final

from streaming.contract import ShowId
from streaming.domain.train import BELOW_BYTES, CAR_BYTES, CARS, Train
from streaming.fanout import Kind, Packet, Resend, SourceId, ViewerId
from streaming.relay.clock import Clock
from streaming.relay.program import Program
from streaming.relay.source import FeedPacket
from streaming.relay.viewer import Viewer
from streaming.rtc import rtcp
from streaming.rtc.answers import Terms, TrackTerms, ViewerSsrcs
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials
from tests.streaming.fakes import NotedFanout, ToldSource
from tests.streaming.players import CHROMIUM, FPS, META, Habits, Player
from tests.streaming.world import Road, World

EPOCH: Final = 1_790_000_000.0
GROUP_FRAMES: Final = 60
PIECE_BYTES: Final = 1100
# name: bytes of a keyframe, of any other frame. With sound 2.3, 0.7 and 0.25 Mbit/s, as the agent sends.
SIZES: Final = {"q": (8_000, 430), "h": (25_000, 2_000), "f": (60_000, 8_200)}
# The same of a real film through x264 with half a second of buffer: what follows a keyframe is larger, and
# one frame in some seconds is a cut.
FILM: Final = {"q": (3_600, 440), "h": (19_500, 2_500), "f": (66_000, 9_300)}
HEAD: Final = (0.6, 0.9, 1.5, 1.7, 1.3)
CUT_FRAMES: Final = 150
SOUND_BYTES: Final = 240
SOUND_SECONDS: Final = 0.02
KEYFRAME_LAG_SECONDS: Final = 0.06  # from a request to the frame
CHECK_BYTES: Final = 130
HANDSHAKE_SECONDS: Final = 0.01
BEAT_SECONDS: Final = 0.02
FILL: Final = bytes(PIECE_BYTES)


class RoadFanout(NotedFanout):
    """Sends what it is told over the road of each viewer."""

    def __init__(self) -> None:
        super().__init__()
        self.players: dict[ViewerId, Player] = {}
        self._follows: dict[tuple[ViewerId, SourceId], int] = {}
        self._offsets: dict[tuple[ViewerId, SourceId], int] = {}  # of those that rest, too
        self._kinds: dict[SourceId, Kind] = {}

    def open_source(self, kind: Kind) -> SourceId:
        source = super().open_source(kind)
        self._kinds[source] = kind
        return source

    def segment(self, viewer: ViewerId, source: SourceId, offset: int) -> None:
        self.pause(viewer, self._kinds[source])
        self._follows[viewer, source] = self._offsets[viewer, source] = offset

    def pause(self, viewer: ViewerId, kind: Kind) -> None:
        for follows in [key for key in self._follows if key[0] == viewer and self._kinds[key[1]] == kind]:
            del self._follows[follows]

    def forward(self, source: SourceId, packets: list[Packet], only: ViewerId | None = None) -> bool:
        alone = {} if only is None else {(only, source): self._offsets[only, source]}
        for (viewer, followed), offset in (alone or self._follows).items():
            if followed == source:
                for packet in packets:
                    self.players[viewer].sent(self._kinds[source], packet.sequence + offset, packet)
        return True

    def resend(self, viewer: ViewerId, kind: Kind, packets: list[Resend]) -> bool:
        for again in packets:
            self.players[viewer].sent(kind, again.own_sequence, again.packet, repair=True)
        return True

    def rtcp(self, viewer: ViewerId, compound: bytes) -> bool:
        self.players[viewer].told(compound)
        return True

    def report(self, source: SourceId, ntp_time: int, timestamp: int) -> bool:
        for viewer, followed in list(self._follows):
            if followed == source and self._kinds[source] == "video":
                said = rtcp.SenderReport(self.players[viewer].ssrc, ntp_time, timestamp, 0, 0)
                self.players[viewer].told(rtcp.sender_report(said))
        return True


class Studio(ToldSource):
    """Three encodings of thirty frames a second, and sound."""

    def __init__(
        self,
        world: World,
        sizes: dict[str, tuple[int, int]] = SIZES,
        dice: random.Random | None = None,
    ) -> None:
        """`dice`: frames differ as an encoder's do; without them all are of one size."""
        super().__init__(1, rids=tuple(sizes))
        self._world, self._sizes, self._dice = world, sizes, dice
        self._frame = 0
        self._since = dict.fromkeys(sizes, GROUP_FRAMES)  # frames since the keyframe
        self._asked: dict[str, float] = {}
        self._sequences = dict.fromkeys([*sizes, "sound"], 0)
        world.every(1 / FPS, self._shoot)
        world.every(SOUND_SECONDS, self._speak)

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        super().request_keyframe(now, rid)
        for name in self._sizes:
            if rid in (None, name):
                self._asked.setdefault(name, now + KEYFRAME_LAG_SECONDS)

    def _shoot(self) -> None:
        self._frame += 1
        for rid, (first, other) in self._sizes.items():
            self._since[rid] += 1
            keyframe = self._since[rid] >= GROUP_FRAMES or self._asked.get(rid, 1e9) <= self._world.now
            if keyframe:
                self._since[rid] = 0
                self._asked.pop(rid, None)
            size = first if keyframe else other
            self._encode(rid, size if self._dice is None else self._drawn(rid, size, self._dice), keyframe)

    def _drawn(self, rid: str, size: int, dice: random.Random) -> int:
        since = self._since[rid]
        if since == 0:
            return int(size * dice.uniform(0.8, 1.12))
        if since <= len(HEAD):
            return int(size * HEAD[since - 1] * dice.uniform(0.6, 1.4))
        if self._frame % CUT_FRAMES == 0:
            return 4 * size
        return max(60, int(0.93 * size * dice.lognormvariate(-0.05, 0.33)))

    def _encode(self, rid: str, size: int, keyframe: bool) -> None:
        count = -(-size // PIECE_BYTES)
        for piece in range(count):
            meta = META.pack(rid.encode(), self._frame, piece, count, keyframe)
            payload = meta + FILL[: max(0, min(PIECE_BYTES, size - piece * PIECE_BYTES) - META.size)]
            self._sequences[rid] += 1
            begins = keyframe and piece == 0
            tick, last = self._frame * 90_000 // FPS, piece == count - 1
            self.say(
                FeedPacket("video", self._sequences[rid], tick, last, payload, begins, self._world.now, rid)
            )

    def _speak(self) -> None:
        self._sequences["sound"] += 1
        number = self._sequences["sound"]
        self.say(FeedPacket("audio", number, number * 960, False, bytes(SOUND_BYTES), False, self._world.now))


class House:
    """A relay with one show, a studio that sends it, and players on their roads."""

    def __init__(self, sizes: dict[str, tuple[int, int]] = SIZES, dice: random.Random | None = None) -> None:
        self.world, self.fanout = World(), RoadFanout()
        self.clock = Clock(now=lambda: self.world.now, offset_s=EPOCH)
        self.program = Program(ShowId("sh"), "H264", self.fanout, self.clock, lambda program, cut: None)
        self.studio = Studio(self.world, sizes, dice)
        self.program.wish(self.studio, 0.0)
        self.players: list[Player] = []
        self._second_s = 0.0
        self.world.every(BEAT_SECONDS, self._beat)
        self.world.every(1 / FPS, self.program.flush)
        self.world.run(6.0)

    def _beat(self) -> None:
        self.program.adapt(self.world.now)
        self.program.flush()
        if self.world.now - self._second_s >= 1.0:
            self._second_s = self.world.now
            self.program.report(self.world.now)

    def join(self, road: Road, habits: Habits = CHROMIUM, kind: type[Player] = Player) -> Player:
        """A player whose transport is up when this returns; as much time has passed."""
        ssrc = 100 * (len(self.players) + 1)
        player = kind(road, habits, ssrc)
        self.players.append(player)
        player.viewer = Viewer(
            program=self.program,
            terms=Terms(
                role="server",
                remote_ice=IceCredentials("a", "b"),
                remote_fingerprints=(),
                video=TrackTerms("0", 108, 109, 2, 14),
                audio=TrackTerms("1", 63, None, 2, 0, red_inside=111 if habits.repeats else None),
            ),
            ssrcs=ViewerSsrcs(ssrc, ssrc + 1, ssrc + 2),
            starts=(20_000, 2_000, 3_000),
            fanout=self.fanout,
            clock=self.clock,
            later=self.world.later,
            became_gone=lambda viewer, reason: None,
        )
        self.fanout.players[ViewerId(len(self.fanout.seats) + 1)] = player
        if habits.answers:
            self._sound_out(road, player.viewer)
        player.viewer.ready(
            SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), bytes(16), bytes(12)), ("192.0.2.1", 9)
        )
        return player

    def _sound_out(self, road: Road, viewer: Viewer) -> None:
        """What a session does beside its handshake: a check of ours, then a train of them."""
        train, world = Train(), self.world

        def first(sent_s: float) -> None:
            train.answered(sent_s, world.now)
            train.leave(world.now)
            for _ in range(CARS):
                size = CAR_BYTES + BELOW_BYTES
                road.down(size, lambda: road.up(lambda: train.car_answered(world.now)))

        began_s = world.now
        road.down(CHECK_BYTES, lambda: road.up(lambda: first(began_s)))
        self.run(2 * road.rtt_s + HANDSHAKE_SECONDS)
        while (wait_s := train.patience_s(world.now)) > 0:
            self.run(min(wait_s, 0.002))
        if train.rtt_s is not None:
            viewer.path_seen(train.rtt_s, train.bps(), world.now)

    def road(self, mbps: float, **more: float) -> Road:
        return Road(self.world, mbps * 1e6, **more)  # type: ignore[arg-type]  # numbers all

    def run(self, seconds: float) -> None:
        self.world.run(self.world.now + seconds)
