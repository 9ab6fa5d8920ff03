"""What publishers do to a show that they should not: the picture goes on, or the slate does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from streaming.contract import RelayId, ShowId, Stage, StudioId
from streaming.fanout import Packet
from streaming.relay.clock import Clock
from streaming.relay.feed import KEYFRAME_SECONDS_MIN, PUBLISHER_BPS, Feed
from streaming.relay.rendition import GOP_PACKETS_MAX
from streaming.relay.shows import Shows
from streaming.rtc import rtcp, rtp
from streaming.rtc.answers import Terms, TrackTerms
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials
from tests.streaming.fakes import NotedFanout

SHOW, STUDIO = ShowId("sh"), StudioId("st-1")
VIDEO, RTX = 102, 103
IDR, SLICE = b"\x65idr", b"\x41slice"
SLATE = (b"\0\0\0\1\x65slate", b"\0\0\0\1\x41slate")
KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), bytes(16), bytes(12))


class Evening:
    """A show with a slate, a studio that is connected, and a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.fanout, self.feeds = NotedFanout(), dict[StudioId, Feed]()
        clock = Clock(now=lambda: self.now, offset_s=1_790_000_000.0)
        self.shows = Shows(
            RelayId("r"),
            self.fanout,
            clock,
            self.feeds,
            dismiss=lambda program: None,
            take_back=lambda program: None,
            send_away=lambda feed: None,
        )
        self.shows.show_slate("H264", SLATE)
        self.shows.set_stage(Stage(SHOW, 1, True, STUDIO))
        self.run(1.0)
        self.connect()

    def connect(self) -> None:
        """The studio's newest publisher."""
        terms = Terms("server", IceCredentials("a", "b"), (), TrackTerms("0", VIDEO, RTX, 0, 14), None)
        self.feed = Feed(
            STUDIO,
            "H264",
            terms,
            self.fanout,
            ssrc=99,
            became_ready=self._came,
            became_gone=lambda feed, reason: None,
        )
        self.feed.ready(KEYS, ("192.0.2.1", 9))

    def _came(self, feed: Feed) -> None:
        self.feeds[feed.studio] = feed
        self.shows.feed_came()

    @property
    def program(self):  # type: ignore[no-untyped-def]  # a Program
        return self.shows.programs[SHOW]

    def run(self, seconds: float) -> None:
        """Let time pass by beats of a sixtieth of a second."""
        for _ in range(round(seconds * 60)):
            self.now += 1 / 60
            for feed in self.feeds.values():
                feed.tick(self.now)
            self.shows.tick(self.now)

    def send(
        self, sequence: int, tick: int, payload: bytes = SLICE, *, ssrc: int = 7, marker: bool = True
    ) -> None:
        data = rtp.build(VIDEO, sequence & 0xFFFF, tick & 0xFFFFFFFF, ssrc, payload, marker=marker)
        self.feed.rtp_came(data, self.now)
        self.shows.flush()

    def play(
        self, ticks: Iterator[int], first: int, seconds: float, per_second: int = 30, ssrc: int = 7
    ) -> int:
        """Send pictures at a rate, the first a keyframe; the sequence behind the last."""
        for number in range(int(seconds * per_second)):
            self.send(first + number, next(ticks), SLICE if number else IDR, ssrc=ssrc)
            self.run(1 / per_second)
        return first + int(seconds * per_second)

    def shown(self) -> list[Packet]:
        """All pictures that left so far."""
        return self.fanout.forwarded[self.program.video[""].source]

    def asked(self) -> list[rtcp.Heard]:
        """What the studio was told since the last call."""
        said = [item for _, compound in self.fanout.said for item in rtcp.parse(compound)]
        self.fanout.said.clear()
        return said


@pytest.fixture
def evening() -> Evening:
    return Evening()


def steps(packets: list[Packet]) -> list[int]:
    times = [packet.timestamp for packet in packets]
    return [b - a for a, b in itertools.pairwise(times)]


def numbers_go_on(packets: list[Packet]) -> bool:
    return [packet.sequence for packet in packets] == list(range(len(packets)))


def test_a_studio_that_sends_nothing_at_all_leaves_the_slate_on_air(evening: Evening) -> None:
    before = len(evening.shown())
    evening.run(60.0)
    assert len(evening.shown()) >= before + 60
    assert not evening.program.live
    assert numbers_go_on(evening.shown())
    evening.play(itertools.count(5, 3000), 1, 0.5)
    assert evening.program.live


def test_a_newer_publisher_that_sends_nothing_gives_way_to_the_slate(evening: Evening) -> None:
    evening.play(itertools.count(0, 3000), 1, 1.0)
    older, ticks = evening.feed, itertools.count(7, 3000)
    evening.connect()
    evening.shows.feed_gone(older)
    evening.run(0.5)
    stood = len(evening.shown())
    evening.run(3.0)
    assert len(evening.shown()) >= stood + 10
    assert not evening.program.live
    evening.play(ticks, 1, 0.5)
    assert evening.program.live
    assert numbers_go_on(evening.shown())


def test_a_relay_that_stood_still_itself_takes_no_studio_for_silent(evening: Evening) -> None:
    ticks = itertools.count(0, 3000)
    end, cuts = evening.play(ticks, 1, 1.0), evening.program.cuts
    evening.now += 10.0  # stopped, or starved; what the studio sent meanwhile waits in the socket
    evening.shows.awake(evening.now)
    evening.shows.tick(evening.now)
    for number in range(300):
        evening.send(end + number, next(ticks))
    evening.play(ticks, end + 300, 1.0)
    assert evening.program.cuts == cuts
    times = [packet.timestamp for packet in evening.shown()]
    assert times == sorted(times)
    assert evening.program.clock.at(evening.now + 1_790_000_000.0) == pytest.approx(times[-1], abs=9_000)
    evening.now += 1.5  # and now it is the studio
    evening.shows.tick(evening.now)
    assert not evening.program.live


def test_no_keyframe_for_a_minute_from_the_start_is_a_slate_and_a_patient_request(evening: Evening) -> None:
    ticks = itertools.count(0, 3000)
    evening.asked()
    for sequence in range(60 * 30):
        evening.send(sequence, next(ticks))
        evening.run(1 / 30)
    requests = evening.asked().count(rtcp.KeyframeRequest(7))
    assert 60 <= requests <= 60 / KEYFRAME_SECONDS_MIN + 1
    assert not evening.program.live
    evening.send(60 * 30, next(ticks), IDR)
    assert evening.program.live


def test_no_keyframe_for_a_minute_on_air_shows_who_watches_on_and_keeps_little(evening: Evening) -> None:
    ticks = itertools.count(0, 3000)
    end = evening.play(ticks, 1, 1.0)
    before = len(evening.shown())
    for sequence in range(end, end + 60 * 30):
        evening.send(sequence, next(ticks))
        evening.run(1 / 30)
        if sequence % 30 == 0:
            evening.shows.every_second(evening.now)
    assert evening.program.live
    assert len(evening.shown()) == before + 60 * 30
    rendition = evening.program.video[""]
    assert rendition.start_packets(evening.now) == []
    assert len(rendition._gop) <= GOP_PACKETS_MAX


def test_five_pictures_a_second_are_a_picture_and_no_silence(evening: Evening) -> None:
    cuts = evening.program.cuts
    evening.play(itertools.count(0, 18_000), 1, 30.0, per_second=5)
    assert evening.program.live
    assert evening.program.cuts == cuts + 1
    assert set(steps(evening.shown())[-140:]) == {18_000}


def test_ten_megabits_a_second_pass_whole_and_the_studio_is_told_to_send_less(evening: Evening) -> None:
    tick, sequence, large = 0, 0, SLICE + bytes(1100)
    evening.asked()
    for frame in range(10 * 30):
        for piece in range(37):
            payload = IDR if frame % 60 == 0 and piece == 0 else large
            evening.send(sequence, tick, payload, marker=piece == 36)
            sequence += 1
        tick += 3000
        evening.run(1 / 30)
    assert evening.program.live
    assert [p.sequence for p in evening.shown()][-100:] == list(range(len(evening.shown())))[-100:]
    told = [said.bitrate for said in evening.asked() if isinstance(said, rtcp.Remb)]
    assert told
    assert max(told) <= PUBLISHER_BPS * 1.25


def test_pictures_out_of_order_keep_their_times_and_move_nothing(evening: Evening) -> None:
    """B-frames: RTP time of what is shown, sent in the order of decoding (RFC 6184 section 5.1)."""
    shown_at = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    before = len(evening.shown())
    for number, place in enumerate(shown_at):
        evening.send(number, 90_000 + 3000 * place, IDR if number == 0 else SLICE)
        evening.run(1 / 30)
    times = [p.timestamp for p in evening.shown()[before:]]
    first = next(i for i, _ in enumerate(times) if times[i + 1] - times[i] == 9000)
    assert [(t - times[first]) // 3000 for t in times[first:]] == shown_at
    assert evening.program.live


def test_another_resolution_is_the_same_stream_with_a_new_keyframe(evening: Evening) -> None:
    sets = b"\x78\x00\x04\x67\x42\xe0\x1f\x00\x04\x68\xce\x06\xe2"  # SPS and PPS of another size
    ticks = itertools.count(0, 3000)
    end, cuts = evening.play(ticks, 1, 1.0), evening.program.cuts
    keyframes = evening.program.keyframes
    tick = next(ticks)
    evening.send(end, tick, sets, marker=False)
    evening.send(end + 1, tick, IDR)
    assert (evening.program.cuts, evening.program.keyframes) == (cuts, keyframes + 1)
    start = evening.program.video[""].start_packets(evening.now)
    assert [packet.payload for packet in start] == [sets, IDR]
    assert numbers_go_on(evening.shown())


def test_another_codec_under_the_agreed_name_is_no_picture_and_gives_way_to_nothing_else(
    evening: Evening,
) -> None:
    ticks = itertools.count(0, 3000)
    end = evening.play(ticks, 1, 1.0)
    before = len(evening.shown())
    for sequence in range(30):
        data = rtp.build(96, sequence, next(ticks), 70, b"\x10\x00vp8", marker=True)  # never agreed
        evening.feed.rtp_came(data, evening.now)
        evening.run(1 / 30)
    assert all(packet.payload[:1] != b"\x10" for packet in evening.shown())
    evening.run(2.0)
    assert not evening.program.live  # what was agreed has fallen silent: the slate
    assert len(evening.shown()) > before
    end = evening.play(ticks, end, 1.0)
    assert rtcp.KeyframeRequest(7) in evening.asked()
    evening.play(ticks, end, 1.0)
    assert evening.program.live
    assert numbers_go_on(evening.shown())


def test_another_ssrc_is_cut_to_at_its_keyframe_and_time_goes_on(evening: Evening) -> None:
    evening.play(itertools.count(0, 3000), 1, 1.0)
    evening.play(itertools.count(4_000_000_000, 3000), 50_000, 1.0, ssrc=8)
    assert numbers_go_on(evening.shown())
    assert all(0 < step < 18_000 for step in steps(evening.shown())[-40:])


@pytest.mark.parametrize("leap_s", [3.0, 5.0, 9.0, 60.0, 40_000.0, -3.0, -9.0, -500.0])
def test_a_clock_that_jumps_does_not_move_the_picture(evening: Evening, leap_s: float) -> None:
    start = 1_000 * 90_000
    end = evening.play(itertools.count(start, 3000), 1, 1.0)
    before = len(evening.shown())
    for number in range(30):
        evening.send(end + number, start + 30 * 3000 + round(leap_s * 90_000) + number * 3000)
        evening.run(1 / 30)
    assert all(0 < step < 9_000 for step in steps(evening.shown()[before - 1 :]))


def test_a_network_that_stood_still_is_no_clock_that_jumped(evening: Evening) -> None:
    ticks = itertools.count(0, 3000)
    end = evening.play(ticks, 1, 1.0)
    evening.now += 0.9  # held up, not lost; the slate would come after a second
    held = len(evening.shown())
    for number in range(28):
        evening.send(end + number, next(ticks))
    assert set(steps(evening.shown()[held - 1 :])) == {3000}
    evening.now += 0.9  # and now lost: the picture has moved on by as much
    skipped = [next(ticks) for _ in range(27)]
    evening.send(end + 28 + len(skipped), next(ticks))
    assert steps(evening.shown())[-1] == 3000 * 28
