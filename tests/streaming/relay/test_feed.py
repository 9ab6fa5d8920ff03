"""What a publisher may do to a feed: lose, repeat, restart, send nonsense."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.contract import StudioId
from streaming.domain.losses import MISSING_MAX
from streaming.domain.redundancy import Block, wrap
from streaming.domain.timeline import AUDIO_HZ, Line, ntp_from_unix
from streaming.fanout import PAYLOAD_LIMIT_BYTES
from streaming.fanout.front import Front
from streaming.relay.feed import KEYFRAME_SECONDS_MIN, Feed
from streaming.relay.sound import Form, Sound
from streaming.relay.source import FeedPacket, Source
from streaming.rtc import rtcp, rtp
from streaming.rtc.answers import Terms, TrackTerms
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials
from tests.fuzz.silence import SilentSender
from tests.streaming.fakes import NotedFanout

VIDEO, RTX, AUDIO, RED = 102, 103, 111, 63
IDR, SLICE = b"\x65idr", b"\x41slice"
KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), bytes(16), bytes(12))


class Ears:
    """A listener that notes."""

    def __init__(self) -> None:
        self.packets: list[FeedPacket] = []
        self.learnt = 0

    def take(self, feed: Source, packet: FeedPacket) -> None:
        self.packets.append(packet)

    def clocks_learnt(self, feed: Source) -> None:
        self.learnt += 1


class Bench:
    def __init__(self) -> None:
        self.fanout, self.ears = NotedFanout(), Ears()
        terms = Terms(
            role="server",
            remote_ice=IceCredentials("a", "b"),
            remote_fingerprints=(),
            video=TrackTerms("0", VIDEO, RTX, 0, 14),
            audio=TrackTerms("1", RED, None, 0, 14, red_inside=AUDIO),
        )
        self.feed = Feed(
            StudioId("st-1"),
            "H264",
            terms,
            self.fanout,
            ssrc=99,
            became_ready=lambda feed: None,
            became_gone=lambda feed, reason: None,
        )
        self.feed.listeners.append(self.ears)
        self.feed.ready(KEYS, ("192.0.2.1", 9))
        self.fanout.said.clear()

    def packet(
        self, sequence: int, now: float = 0.0, payload: bytes = SLICE, *, ssrc: int = 7, **more: object
    ) -> None:
        data = rtp.build(VIDEO, sequence, sequence * 3000, ssrc, payload, marker=True, **more)  # type: ignore[arg-type]  # extensions alone
        self.feed.rtp_came(data, now)

    def heard(self) -> list[rtcp.Heard]:
        said = [item for _, compound in self.fanout.said for item in rtcp.parse(compound)]
        self.fanout.said.clear()
        return said


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_packets_are_handed_on_in_the_order_of_arrival(bench: Bench) -> None:
    for sequence in (1, 3, 2, 3):
        bench.packet(sequence)
    assert [p.sequence for p in bench.ears.packets] == [1, 3, 2]


def test_a_loss_is_asked_for_and_its_repair_fills_the_gap(bench: Bench) -> None:
    bench.packet(1, 0.0)
    bench.packet(3, 0.0)
    bench.feed.tick(0.02)
    assert rtcp.Nack(7, (2,)) in bench.heard()
    repair = rtp.build(RTX, 500, 6000, 8, b"\x00\x02" + SLICE)
    bench.feed.rtp_came(repair, 0.05)
    assert bench.ears.packets[-1][:3] == ("video", 2, 6000)
    assert bench.ears.packets[-1].payload == SLICE


def test_a_loss_that_nobody_repairs_ends_in_one_request_for_a_keyframe(bench: Bench) -> None:
    bench.packet(1, 0.0)
    bench.packet(3, 0.0)
    for n in range(1, 26):
        bench.feed.tick(n * 0.02)
    heard = bench.heard()
    assert heard.count(rtcp.KeyframeRequest(7)) == 1
    assert sum(isinstance(item, rtcp.Nack) for item in heard) <= 4


def test_a_keyframe_request_is_repeated_until_a_keyframe_comes(bench: Bench) -> None:
    bench.packet(1, 0.0)
    bench.feed.request_keyframe(1.0)
    bench.feed.request_keyframe(1.0)
    bench.feed.tick(1.0 + KEYFRAME_SECONDS_MIN)
    assert bench.heard().count(rtcp.KeyframeRequest(7)) == 2
    bench.packet(2, 2.0, IDR)
    bench.feed.tick(3.0)
    assert rtcp.KeyframeRequest(7) not in bench.heard()


def test_a_keyframe_of_many_packets_begins_once(bench: Bench) -> None:
    for sequence in (5, 6, 7):
        bench.feed.rtp_came(rtp.build(VIDEO, sequence, 90_000, 7, IDR), 0.0)
    assert [p.keyframe for p in bench.ears.packets] == [True, False, False]


def test_another_ssrc_is_another_beginning(bench: Bench) -> None:
    bench.packet(1)
    era = bench.feed.era
    bench.packet(40_000, ssrc=70)
    assert bench.feed.era == era + 1
    assert bench.feed.tracks["video"].ssrc == 70


def test_capture_times_are_learnt_and_outrank_reports(bench: Bench) -> None:
    stamp = ntp_from_unix(1_790_000_000.0).to_bytes(8, "big")
    bench.packet(1, extensions={14: stamp})
    assert bench.feed.tracks["video"].capture.captured_at(3000) == pytest.approx(1_790_000_000.0)
    bench.feed.rtcp_came(
        rtcp.sender_report(rtcp.SenderReport(7, ntp_from_unix(1_800_000_000.0), 3000, 1, 1)), 0.0
    )
    assert bench.feed.tracks["video"].capture.captured_at(3000) == pytest.approx(1_790_000_000.0)


def test_reports_are_learnt_and_answered(bench: Bench) -> None:
    bench.packet(1, 0.0)
    bench.feed.rtcp_came(
        rtcp.sender_report(rtcp.SenderReport(7, ntp_from_unix(1_790_000_000.0), 3000, 1, 1)), 1.0
    )
    bench.feed.tick(2.0)
    reception = next(item for item in bench.heard() if isinstance(item, rtcp.Reception))
    assert reception.blocks[0].ssrc == 7
    assert reception.blocks[0].delay == 65_536
    assert bench.feed.tracks["video"].capture.captured_at(3000) == pytest.approx(1_790_000_000.0, abs=1e-3)


def say(bench: Bench, sequence: int, payload: bytes, number: int = RED) -> None:
    bench.feed.rtp_came(rtp.build(number, sequence, 960 * sequence, 8, payload), 0.0)


def test_sound_that_is_lost_comes_out_of_the_next_packet(bench: Bench) -> None:
    def red(sequence: int, *back: int) -> bytes:
        earlier = [Block(960 * n, b"%d" % (sequence - n)) for n in back]
        return wrap(AUDIO, b"%d" % sequence, earlier, 1000)

    for sequence, back in ((3, (2, 1)), (4, (2, 1)), (7, (2, 1)), (8, (1,)), (11, (1,))):
        say(bench, sequence, red(sequence, *back))
    say(bench, 10, b"10", AUDIO)  # late, given already
    say(bench, 9, b"9", AUDIO)  # and bare, as the offer allows too
    heard = [(p.sequence, p.tick, p.payload) for p in bench.ears.packets]
    assert heard == [(n, 960 * n, b"%d" % n) for n in (3, 4, 5, 6, 7, 8, 10, 11, 9)]


def test_sound_that_cannot_be_unwrapped_is_counted(bench: Bench) -> None:
    say(bench, 1, b"\xff\xff")
    assert (bench.feed.broken_packets, bench.ears.packets) == (1, [])


def test_a_payload_type_that_was_not_agreed_is_dropped(bench: Bench) -> None:
    bench.feed.rtp_came(rtp.build(96, 1, 1, 7, SLICE), 0.0)
    assert bench.ears.packets == []


def test_a_leap_of_numbers_is_a_new_beginning_and_no_storm_of_requests(bench: Bench) -> None:
    bench.packet(1, 0.0)
    bench.packet(20_000, 0.1)
    bench.feed.tick(0.2)
    assert not any(isinstance(item, rtcp.Nack) for item in bench.heard())


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 65_535)), max_size=40))
def test_no_bytes_break_a_feed(items: list[bytes | int]) -> None:
    bench = Bench()
    for number, item in enumerate(items):
        if isinstance(item, int):
            bench.packet(item, number / 100)
        else:
            bench.feed.rtp_came(item, number / 100)
            bench.feed.rtcp_came(item, number / 100)
            bench.feed.rtp_came(rtp.build(RTX, number, 0, 8, item), number / 100)
        bench.feed.tick(number / 100)


def test_a_packet_too_long_for_viewers_paths_is_dropped_and_not_asked_for(bench: Bench) -> None:
    bench.packet(1)
    bench.packet(2, payload=SLICE + bytes(PAYLOAD_LIMIT_BYTES))
    bench.packet(3)
    assert [packet.sequence for packet in bench.ears.packets] == [1, 3]
    assert bench.feed.broken_packets == 1
    bench.feed.tick(1.0)
    assert not [said for said in bench.heard() if isinstance(said, rtcp.Nack)]


def test_sound_is_never_so_long_that_it_cannot_be_wrapped(bench: Bench) -> None:
    bare = Form(AUDIO, 0)
    made = Sound(bench.fanout)
    made.cut((1, 0), 1, Line(AUDIO_HZ, 0))
    source = made.listen(bare)
    for sequence, size in ((1, PAYLOAD_LIMIT_BYTES), (2, PAYLOAD_LIMIT_BYTES - 1), (3, 9)):
        body = bytes([AUDIO]) + bytes(size)
        bench.feed.rtp_came(rtp.build(RED, sequence, sequence * 960, 12, body), 0.0)
    heard = [packet for packet in bench.ears.packets if packet.kind == "audio"]
    assert [packet.sequence for packet in heard] == [2, 3]
    made.put([packet.leaving(packet.sequence, packet.tick, None)[0] for packet in heard], False, 0.0)
    assert max(len(p.payload) for p in dict(made.leaving())[source]) == PAYLOAD_LIMIT_BYTES


def test_losses_in_any_pattern_are_asked_for_in_datagrams_that_can_leave(bench: Bench) -> None:
    feed = bench.feed
    feed._fanout = Front(SilentSender(), socket.AF_INET, 4)  # with its true checks
    feed.ready(KEYS, ("192.0.2.1", 9))
    for sequence in range(18 * (MISSING_MAX - 1)):
        if sequence % 18 != 5:
            bench.packet(sequence & 0xFFFF)
    feed.tick(0.001)
    assert len(feed.tracks["video"].losses._missing) == MISSING_MAX - 1
