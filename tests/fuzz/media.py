"""What a peer with keys may say once it is decrypted: RTP of a publisher, RTCP of both.

Two studios with a show and a viewer each stand on one fan-out. One of them talks; the other's
program, viewer and numbers must not change.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable

from streaming.contract import RelayId, ShowId, Stage, StudioId
from streaming.domain.losses import MISSING_MAX
from streaming.fanout.front import Front
from streaming.relay.clock import Clock
from streaming.relay.draws import draw_ssrcs
from streaming.relay.feed import SSRCS_MAX, Feed
from streaming.relay.shows import Shows
from streaming.relay.viewer import Viewer
from streaming.rtc import rtp
from streaming.rtc.answers import Terms, TrackTerms
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials

from .silence import SilentSender, fresh_keys
from .spoken import spoken

VIDEO, RTX, AUDIO, RED = 102, 103, 111, 63
SSRC = 7
KEYFRAME, SLICE = b"\x65" + bytes(40), b"\x41" + bytes(40)
LATER_MAX = 256


def _terms() -> Terms:
    return Terms(
        role="server",
        remote_ice=IceCredentials("a", "b"),
        remote_fingerprints=(),
        video=TrackTerms("0", VIDEO, RTX, 2, 14),
        audio=TrackTerms("1", RED, None, 0, 13, red_inside=AUDIO),
    )


def _keys() -> SrtpKeys:
    return SrtpKeys("SRTP_AEAD_AES_128_GCM", fresh_keys(), bytes(12), bytes(16), bytes(12))


class Hall:
    """Two studios on air, a viewer before each."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sender = SilentSender()
        self.front = Front(self.sender, socket.AF_INET, 16)
        self.clock = Clock(now=lambda: self.now, offset_s=1_790_000_000.0)
        self.feeds: dict[StudioId, Feed] = {}
        self.shows = Shows(
            RelayId("r"),
            self.front,
            self.clock,
            self.feeds,
            dismiss=lambda program: None,
            take_back=lambda program: None,
            send_away=lambda feed: None,
        )
        self.later: list[Callable[[], None]] = []
        self.loud, self.viewer = self._open("loud")
        self.calm, self.neighbour = self._open("calm")
        self.before = self._state()

    def _open(self, name: str) -> tuple[Feed, Viewer]:
        show, studio = ShowId(name), StudioId(name)
        self.shows.set_stage(Stage(show, 1, True, studio))
        feed = Feed(
            studio,
            "H264",
            _terms(),
            self.front,
            ssrc=9,
            became_ready=lambda feed: None,
            became_gone=lambda feed, reason: None,
        )
        self.feeds[studio] = feed
        feed.ready(_keys(), ("192.0.2.1", 9))
        self.shows.feed_came()
        for number in range(40):
            data = rtp.build(VIDEO, number, number * 3000, SSRC, SLICE if number else KEYFRAME, marker=True)
            feed.rtp_came(data, self.now)
        self.shows.flush()
        viewer = Viewer(
            program=self.shows.programs[show],
            terms=_terms(),
            ssrcs=draw_ssrcs(random.Random(5)),
            starts=(2000, 3000, 4000),
            fanout=self.front,
            clock=self.clock,
            later=lambda seconds, act: self.later.append(act),
            became_gone=lambda viewer, reason: None,
        )
        viewer.ready(_keys(), ("192.0.2.2", 9))
        return feed, viewer

    def _state(self) -> tuple[object, ...]:
        program = self.shows.programs[ShowId("calm")]
        seat = self.neighbour.seat or 0
        figures = self.neighbour.figures
        return (
            dict(program.packets), program.cuts, program.keyframes, program.dropped, program.clock.last_ticks,
            self.sender.resent.get(seat), self.sender.said.get(seat), figures.nacked, figures.broken_packets,
            self.calm.broken_packets, len(self.shows.programs),
        )  # fmt: skip

    def settle(self) -> None:
        """Everything that time brings, and what must be true of it."""
        for act in self.later[:LATER_MAX]:
            act()
        self.later.clear()
        self.loud.tick(self.now)
        self.shows.flush()
        for track in self.loud._streams:
            assert len(track.losses._missing) <= MISSING_MAX, "more is missed than is believed"
        assert len(self.loud._by_ssrc) <= SSRCS_MAX
        assert self._state() == self.before, "the neighbour felt it"


def packets(data: bytes) -> None:
    """A publisher's packets and reports, raw or with a header that fits."""
    hall = Hall()
    for wishes, said in spoken(data):
        hall.now += 0.02 * (wishes >> 5)
        way = wishes & 3
        if way == 0:
            hall.loud.rtp_came(said, hall.now)
        elif way == 1:
            hall.loud.rtcp_came(said, hall.now)
        else:
            _publish(hall, way, wishes, said)
        hall.settle()


def _publish(hall: Hall, way: int, wishes: int, said: bytes) -> None:
    """A packet of the agreed picture, sound or repair; its numbers are the fuzzer's."""
    if len(said) < 6:
        return
    sequence, timestamp = struct.unpack_from("!HI", said)
    kind = (VIDEO, RTX, AUDIO)[(wishes >> 2) % 3] if way == 2 else VIDEO
    ssrc = {VIDEO: SSRC, RTX: 8, AUDIO: 9}[kind]
    marker = bool(wishes & 16)
    if kind == AUDIO and marker:  # nobody marks sound
        kind, marker = RED, False
    hall.loud.rtp_came(rtp.build(kind, sequence, timestamp, ssrc, said[6:], marker=marker), hall.now)


def feedback(data: bytes) -> None:
    """A viewer's compounds, raw or framed; no more leaves for it than it may ask for."""
    hall = Hall()
    seat = hall.viewer.seat or 0
    for wishes, said in spoken(data):
        hall.now += 0.01 * (wishes >> 6)
        before = hall.sender.said.get(seat, 0)
        hall.viewer.rtcp_came(_framed(wishes, said) if wishes & 1 else said, hall.now)
        assert hall.sender.said.get(seat, 0) - before <= 1, "one compound is answered by one"
        hall.settle()


def _framed(wishes: int, said: bytes) -> bytes:
    """One RTCP packet around a body; the viewer's own SSRCs where media is named."""
    body = said + bytes(-len(said) % 4)
    kind, count = 200 + (wishes >> 1 & 7), body[0] & 31 if body else 0
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body
