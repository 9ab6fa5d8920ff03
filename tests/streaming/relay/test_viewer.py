"""What a player asks for, and what it gets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streaming.contract import ShowId
from streaming.domain.ladder import Rung
from streaming.domain.patience import playout_delay
from streaming.domain.timeline import VIDEO_HZ, Line, ProgramClock, middle, ntp_from_unix, short_units
from streaming.fanout import Packet, SourceId
from streaming.relay.clock import Clock
from streaming.relay.rendition import Rendition
from streaming.relay.sound import Form, Sound
from streaming.relay.viewer import KEYFRAME_SECONDS_MIN, Viewer
from streaming.rtc import rtcp
from streaming.rtc.answers import Terms, TrackTerms, ViewerSsrcs
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials
from tests.streaming.fakes import NotedFanout

KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), bytes(16), bytes(12))
M, R, A = 11, 12, 13
START = 30_000
OTHER = SourceId(77)
EPOCH = 1_790_000_000.0


class Show:
    """A program of a hundred packets, of which the viewer takes all."""

    show = ShowId("sh")

    def __init__(self, fanout: NotedFanout) -> None:
        self.video = Rendition("video", "", fanout.open_source("video"))
        self.audio = Sound(fanout)
        line = Line(VIDEO_HZ, 0)
        for stream in (self.video, self.audio):
            stream.cut((1, 0), 0, line)
            for n in range(100):
                stream.number(n)
                stream.put([Packet(n, n * 3000, True, bytes(1000))], n == 0, 0.0)
        self.packets = self.video.start_packets(0.0)
        self.clock = ProgramClock()
        self.keyframes_wanted = 0
        self.viewers: list[Viewer] = []

    def admit(self, viewer: Viewer, now: float) -> None:
        self.viewers.append(viewer)
        viewer.begin(self.video, 0, self.packets[:3])
        viewer.begin(self.audio, 50, [])

    def dismiss(self, viewer: Viewer) -> None:
        self.viewers.remove(viewer)

    def request_keyframe(self, viewer: Viewer, now: float) -> None:
        self.keyframes_wanted += 1


class Bench:
    def __init__(self) -> None:
        self.fanout = NotedFanout()
        self.show = Show(self.fanout)
        self.later: list[Callable[[], None]] = []
        self.ends: list[str] = []
        self.now = 0.0
        self.viewer = Viewer(
            program=self.show,
            terms=Terms(
                role="server",
                remote_ice=IceCredentials("a", "b"),
                remote_fingerprints=(),
                video=TrackTerms("0", 108, 109, 2, 14, playout_delay_id=5),
                audio=TrackTerms("1", 63, None, 2, 0, red_inside=111),
            ),
            ssrcs=ViewerSsrcs(M, R, A),
            starts=(START, 2000, 3000),
            fanout=self.fanout,
            clock=Clock(now=lambda: self.now, offset_s=EPOCH),
            later=lambda seconds, act: self.later.append(act),
            became_gone=lambda viewer, reason: self.ends.append(reason),
        )
        self.viewer.ready(KEYS, ("192.0.2.1", 9))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def own(sequence: int) -> int:
    return (START + sequence) & 0xFFFF


def test_a_viewer_is_seated_with_its_own_numbers_and_begins_with_the_cache(bench: Bench) -> None:
    (seat,) = bench.fanout.seats.values()
    assert seat.video is not None
    assert (seat.video.payload_type, seat.video.rtx_payload_type, seat.video.abs_send_time_id) == (
        108,
        109,
        2,
    )
    assert [(source, offset) for _, source, offset in bench.fanout.segments] == [(1, START), (3, 1950)]
    assert [p.sequence for p in bench.fanout.alone[bench.viewer.seat]] == [0, 1, 2]  # type: ignore[index]  # it is seated


def test_what_is_asked_for_is_sent_again_and_once_more_a_little_later(bench: Bench) -> None:
    bench.viewer.rtcp_came(rtcp.nack(1, M, [own(5), own(6)]), 1.0)
    assert [(r.own_sequence, r.packet.sequence) for _, r in bench.fanout.resent] == [
        (START + 5, 5),
        (START + 6, 6),
    ]
    bench.later[0]()
    assert len(bench.fanout.resent) == 4


def test_what_was_never_sent_or_is_forgotten_is_not_sent(bench: Bench) -> None:
    bench.viewer.rtcp_came(rtcp.nack(1, M, [own(5000)]), 1.0)
    bench.viewer.rtcp_came(rtcp.nack(1, 4711, [own(5)]), 1.0)
    assert bench.fanout.resent == []
    assert bench.viewer.figures.too_old == 1


def test_a_storm_of_requests_is_answered_within_the_budget(bench: Bench) -> None:
    for n in range(1000):
        bench.viewer.rtcp_came(rtcp.nack(1, M, [own(k) for k in range(100)]), n / 1000)
    rate = 3_000_000 * 0.25 / 8
    assert sum(len(r.packet.payload) for _, r in bench.fanout.resent) <= 64_000 + rate * 1.0 + 1000


def test_repairs_cost_a_share_of_what_is_sent_where_no_estimate_is_told(bench: Bench) -> None:
    bench.show.video.bps = 400_000
    for n in range(1000):
        bench.viewer.rtcp_came(rtcp.nack(1, M, [own(k) for k in range(100)]), n / 1000)
    rate = 400_000 * 0.25 / 8
    assert sum(len(r.packet.payload) for _, r in bench.fanout.resent) <= 16_000 + rate * 1.0 + 1000


def test_a_player_that_begs_for_keyframes_is_heard_now_and_then(bench: Bench) -> None:
    for n in range(100):
        bench.viewer.rtcp_came(rtcp.picture_loss(1, M), n / 100)
    assert bench.show.keyframes_wanted <= 1 / KEYFRAME_SECONDS_MIN + 1
    assert bench.viewer.figures.keyframe_requests == 100


def test_the_players_clock_is_echoed_at_once(bench: Bench) -> None:
    rrtr = (
        bytes([0x80, 207, 0, 4])
        + (5).to_bytes(4, "big")
        + bytes([4, 0, 0, 2])
        + (2**40 + 7).to_bytes(8, "big")
    )
    bench.viewer.rtcp_came(rrtr * 5, 1.0)  # asked five times in one compound, answered once
    ((_, compound),) = bench.fanout.said
    assert compound == rtcp.delay_since_receiver_time(M, 5, middle(2**40 + 7), 0)


def test_the_round_trip_and_the_estimate_are_learnt(bench: Bench) -> None:
    report = middle(ntp_from_unix(EPOCH + 10.0))
    block = rtcp.ReportBlock(M, 64, 3, 1, 1, report, short_units(0.5))
    for _ in range(30):
        bench.viewer.rtcp_came(rtcp.receiver_report(1, [block]) + rtcp.remb(1, 1_000_000, [M]), 10.7)
    assert bench.viewer.rtt_s == pytest.approx(0.2, abs=0.01)
    assert bench.viewer.figures.estimate_bps == pytest.approx(1_000_000, rel=0.01)
    assert bench.viewer.figures.lost_share == 0.25


def test_a_player_that_loses_packets_is_told_to_hold_its_frames(bench: Bench) -> None:
    for n in range(20):  # a report of a hundred packets each half second, five of them lost
        block = rtcp.ReportBlock(M, 13, 5 * n, START + 100 * n, 0, 0, 0)
        bench.viewer.rtcp_came(rtcp.receiver_report(1, [block]), n / 2)
    seats = {seat for seat, _, _ in bench.fanout.extended}
    assert seats == {bench.viewer.seat}
    wait(bench, 0.5)
    ((number, value),) = bench.fanout.extended[-1][2]
    assert (number, value) == (5, playout_delay(bench.viewer.figures.patience_ms))
    assert bench.viewer.figures.patience_ms >= 3 * 1000 * bench.viewer.rtt_s


def test_sound_repeats_itself_while_packets_are_lost(bench: Bench) -> None:
    lossy = rtcp.ReportBlock(A, 13, 5, 2000, 0, 0, 0)
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [lossy]), 1.0)
    assert bench.viewer.figures.sound_repeats == 0  # that may be the burst that it began with
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [lossy]), 3.0)
    assert bench.viewer.figures.sound_repeats == 2
    repeating = bench.show.audio.listen(Form(111, 2))
    assert bench.fanout.segments[-1] == (bench.viewer.seat, repeating, 1950)  # the numbers go on
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [lossy._replace(fraction_lost=0)]), 15.0)
    assert bench.viewer.figures.sound_repeats == 2
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [lossy._replace(fraction_lost=0)]), 25.0)
    assert bench.viewer.figures.sound_repeats == 0


def test_a_repair_of_what_one_began_with_comes_under_the_time_it_was_sent_under(bench: Bench) -> None:
    seat = bench.viewer.seat
    assert seat is not None
    first = [p.timestamp for p in bench.fanout.alone[seat]]
    assert first == [5820, 5910, 6000]  # 1 ms apart, the newest under program time
    bench.viewer.rtcp_came(rtcp.nack(1, M, [own(0), own(2), own(3)]), 1.0)
    assert [r.packet.timestamp for _, r in bench.fanout.resent] == [5820, 6000, 9000]


def test_a_player_that_loses_nothing_is_told_nothing(bench: Bench) -> None:
    for n in range(20):
        block = rtcp.ReportBlock(M, 0, 0, START + 100 * n, 0, 0, 0)
        bench.viewer.rtcp_came(rtcp.receiver_report(1, [block]), n / 2)
    assert bench.fanout.extended == []


def choke(bench: Bench) -> None:
    """Two reports, half a second each, of a path that loses most of a hundred packets."""
    bench.show.video.bps = 2_500_000
    for number in (1, 2):
        bench.now += 0.5
        block = rtcp.ReportBlock(M, 200, 40 * number, START + 50 * number - 1, 0, 0, 0)
        bench.viewer.rtcp_came(rtcp.receiver_report(1, [block]), bench.now)


def play(bench: Bench, first: int, count: int) -> None:
    """So many packets, a frame each, the first a keyframe's."""
    fresh = [Packet(n, n * 3000, True, bytes(1000)) for n in range(first, first + count)]
    for packet in fresh:
        bench.show.video.number(packet.sequence)
        bench.show.video.put([packet], packet.sequence == first, bench.now)
    bench.show.video.gathered()


def wait(bench: Bench, seconds: float) -> None:
    for _ in range(int(seconds * 100)):
        bench.now += 0.01
        waiting, bench.later = bench.later, []
        for act in waiting:
            act()


def test_a_viewer_on_a_narrow_path_gets_what_fits_from_the_next_keyframe_on(bench: Bench) -> None:
    bench.show.video.gathered()
    choke(bench)
    seat = bench.viewer.seat
    assert seat is not None
    assert bench.fanout.paused == [(seat, "video")]  # and never its sound
    before = len(bench.fanout.alone[seat])
    play(bench, 100, 40)
    wait(bench, 0.3)
    gone = [p.sequence for p in bench.fanout.alone[seat][before:]]
    assert gone == list(range(START + 100, START + 100 + len(gone)))  # no gap behind what was sent before
    assert 0 < len(gone) < 40
    assert bench.viewer.figures.narrow_bps is not None


def test_what_was_lost_before_a_path_was_known_to_be_narrow_is_not_repaired(bench: Bench) -> None:
    bench.show.video.gathered()
    choke(bench)
    bench.viewer.rtcp_came(rtcp.nack(1, M, [own(n) for n in range(90)]), bench.now)
    assert bench.fanout.resent == []
    assert bench.viewer.figures.given_up == 90


def test_a_narrow_path_that_gets_another_rendition_follows_it_without_a_gap(bench: Bench) -> None:
    bench.show.video.gathered()
    choke(bench)
    play(bench, 100, 40)
    wait(bench, 0.2)
    seat = bench.viewer.seat
    assert seat is not None
    sent = bench.fanout.alone[seat][-1].sequence
    other = Rendition("video", "q", OTHER)
    other.cut((1, 0), 0, Line(VIDEO_HZ, 0))
    bench.viewer.begin(other, 0, [])
    assert bench.fanout.segments[-1] == (seat, OTHER, sent + 1)
    assert bench.show.video.aside == []


def test_a_viewer_on_a_narrow_path_still_hears_what_time_it_is(bench: Bench) -> None:
    choke(bench)
    bench.show.video.aside[0].report(5 << 32, 90_000)
    (said,) = rtcp.parse(bench.fanout.said[-1][1])[:1]
    assert said == rtcp.SenderReport(M, 5 << 32, 90_000, 0, 0)


def test_a_viewer_that_leaves_frees_its_seat(bench: Bench) -> None:
    bench.viewer.rtcp_came(rtcp.nack(1, M, [own(5)]), 1.0)
    bench.viewer.gone("enough")
    assert bench.fanout.seats == {}
    assert bench.show.viewers == []
    assert bench.ends == ["enough"]
    resent = len(bench.fanout.resent)
    bench.later[0]()  # the second copy comes too late, and does nothing
    assert len(bench.fanout.resent) == resent


def test_nonsense_is_counted(bench: Bench) -> None:
    bench.viewer.rtcp_came(b"\x00", 1.0)
    bench.viewer.rtp_came(b"\x80", 1.0)
    assert bench.viewer.figures.broken_packets == 2


def test_a_switch_goes_on_in_the_viewers_own_numbers_and_old_losses_are_still_repaired(bench: Bench) -> None:
    other = Rendition("video", "h", OTHER)
    other.cut((1, 0), 7, Line(VIDEO_HZ, 0))
    for n in range(7, 17):
        own = other.number(n)
        assert own is not None
        other.put([Packet(own, n * 3000, True, b"h" * 100)], n == 7, 0.0)
    bench.viewer.begin(other, 0, [])
    assert bench.fanout.segments[-1] == (bench.viewer.seat, OTHER, START + 100)
    lost = [(START + 99) & 0xFFFF, (START + 100) & 0xFFFF]
    bench.viewer.rtcp_came(rtcp.nack(1, M, lost), 1.0)
    assert [again.packet.payload[:1] for _, again in bench.fanout.resent] == [b"\0", b"h"]


def test_a_path_is_sounded_by_a_burst_before_a_report_and_then_probed(bench: Bench) -> None:
    rungs = (Rung("q", 150_000), Rung("", 500_000), Rung("f", 2_000_000))
    heard = rtcp.ReportBlock(M, 0, 0, START + 99, 0, middle(ntp_from_unix(EPOCH)), 0)
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [heard]), 0.04)
    bench.viewer.adapt((rungs[1],), 0.1)
    bench.viewer.adapt(rungs, 0.2)
    report = middle(ntp_from_unix(EPOCH + 5.0))
    bench.viewer.reporting(report, 5.0)
    newest = bench.fanout.resent[0][1]
    assert newest.own_sequence == START + 99
    burst = len(bench.fanout.resent)
    assert bench.viewer.adapt(rungs, 5.1) == ""
    assert len(bench.fanout.resent) == burst  # nothing more until the answer
    bench.viewer.rtcp_came(rtcp.receiver_report(1, [heard._replace(last_report=report)]), 5.05)
    bench.viewer.adapt(rungs, 5.2)
    bench.viewer.adapt(rungs, 5.3)
    assert len(bench.fanout.resent) > burst


def test_on_the_way_down_the_large_picture_stops_at_once_and_is_not_repaired(bench: Bench) -> None:
    bench.viewer.hold()
    assert bench.viewer.held
    own = bench.show.video.number(100)  # what comes meanwhile is not for this viewer
    assert own == 100
    bench.show.video.put([Packet(own, 0, True, b"f")], False, 0.0)
    bench.viewer.rtcp_came(rtcp.nack(1, M, [(START + 5) & 0xFFFF]), 1.0)
    assert bench.fanout.resent == []
    smaller = Rendition("video", "q", OTHER)
    smaller.cut((1, 0), 0, Line(VIDEO_HZ, 0))
    number = smaller.number(0)
    assert number is not None
    smaller.put([Packet(number, 0, True, b"q")], True, 0.0)
    bench.viewer.begin(smaller, 0, [])
    assert not bench.viewer.held
    assert bench.fanout.segments[-1] == (bench.viewer.seat, OTHER, START + 100)  # no number is left out
    lost = [(START + 99) & 0xFFFF, (START + 100) & 0xFFFF]
    bench.viewer.rtcp_came(rtcp.nack(1, M, lost), 1.1)
    assert [again.packet.payload for _, again in bench.fanout.resent] == [b"q"]
