"""One outgoing stream is made of whatever sources come, with clocks and numbers of its own."""

from __future__ import annotations

import pytest

from streaming.domain.timeline import ntp_from_unix
from streaming.relay.rendition import GOP_SECONDS_MAX
from tests.streaming.fakes import ToldSource
from tests.streaming.stage import EPOCH, NotedViewer, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_nothing_leaves_before_a_keyframe(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(10, 9000, 0.0)
    source.sound(5, 480, 0.0)
    assert stage.sent("video") == stage.sent("audio") == []
    source.picture(11, 12_000, 0.1, keyframe=True)
    assert [(p.sequence, p.timestamp) for p in stage.sent("video")] == [(0, 0)]
    assert stage.cuts[0].first


def test_a_wish_asks_for_a_keyframe(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    stage.program.wish(source, 0.0)
    assert source.keyframes_wanted == 1


def test_losses_stay_gaps_and_late_packets_fill_them(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(10, 0, 0.0, keyframe=True)
    source.picture(12, 6000, 0.06)
    source.picture(11, 3000, 0.07)
    assert [(p.sequence, p.timestamp) for p in stage.sent("video")] == [(0, 0), (2, 6000), (1, 3000)]


def test_padding_is_left_out_without_a_gap(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(10, 0, 0.0, keyframe=True)
    source.picture(11, 0, 0.0, payload=b"")
    source.picture(12, 3000, 0.03)
    assert [p.sequence for p in stage.sent("video")] == [0, 1]


def test_a_cut_goes_on_in_number_and_time(stage: Stage) -> None:
    one, two = ToldSource(1), ToldSource(2, "st-2")
    stage.program.wish(one, 0.0)
    one.picture(10, 500_000, 0.0, keyframe=True)
    one.picture(11, 503_000, 0.033)
    stage.program.wish(two, 0.05)
    two.picture(900, 7, 0.06)  # no keyframe yet: the first goes on
    one.picture(12, 506_000, 0.067)
    two.picture(901, 3007, 0.1, keyframe=True)
    one.picture(13, 509_000, 0.101)  # of before: too late
    two.picture(902, 6007, 0.133)
    times = [p.timestamp for p in stage.sent("video")]
    assert [p.sequence for p in stage.sent("video")] == [0, 1, 2, 3, 4]
    assert times[:3] == [0, 3000, 6000]
    assert times[3] == pytest.approx(9000, abs=200)
    assert times[4] - times[3] == 3000
    assert [cut.studio for cut in stage.cuts] == ["st-1", "st-2"]
    assert one.listeners == []


def test_a_source_that_begins_anew_is_cut_to_at_its_keyframe(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(10, 500_000, 0.0, keyframe=True)
    source.era += 1  # another SSRC: numbers and clocks mean something else now
    source.picture(60_000, 1, 0.1)
    assert len(stage.sent("video")) == 1
    source.picture(60_001, 3001, 0.2, keyframe=True)
    assert [p.sequence for p in stage.sent("video")] == [0, 1]
    assert stage.sent("video")[1].timestamp == pytest.approx(18_000, abs=200)


def test_a_clock_that_leaps_does_not_move_program_time(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    source.picture(2, 3000, 0.033)
    source.picture(3, 90_000_000, 0.067)
    source.picture(4, 90_003_000, 0.1)
    times = [p.timestamp for p in stage.sent("video")]
    assert times[2] == pytest.approx(6000, abs=600)
    assert times[3] - times[2] == 3000


def test_sound_stands_beside_its_picture_by_arrival_first_and_by_capture_when_known(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    source.sound(1, 100_000, 0.100)
    assert stage.sent("audio")[0].timestamp == 4800
    source.tracks["video"].capture.learn(0, ntp_from_unix(EPOCH))
    source.tracks["audio"].capture.learn(100_000, ntp_from_unix(EPOCH + 0.050))  # it was captured earlier
    stage.program.clocks_learnt(source)
    for n in range(1, 4):  # 40 ms of it have been heard already
        source.sound(1 + n, 100_000 + n * 960, 0.100 + n * 0.02)
    assert [p.timestamp for p in stage.sent("audio")[1:]] == [pytest.approx(2400 + 3 * 960, abs=2)]
    assert [p.sequence for p in stage.sent("audio")] == [0, 1]


def test_a_capture_clock_that_cannot_be_is_not_believed(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    source.tracks["video"].capture.learn(0, ntp_from_unix(EPOCH))
    source.tracks["audio"].capture.learn(100_000, ntp_from_unix(EPOCH + 3600))
    source.sound(1, 100_000, 0.100)
    assert stage.sent("audio")[0].timestamp == 4800


def test_sound_never_goes_back_over_a_cut(stage: Stage) -> None:
    one, two = ToldSource(1), ToldSource(2)
    stage.program.wish(one, 0.0)
    one.picture(1, 0, 0.0, keyframe=True)
    for n in range(10):
        one.sound(n, n * 960, n * 0.02)
    stage.program.wish(two, 0.2)
    two.picture(1, 0, 0.2, keyframe=True)
    for n in range(10):
        two.sound(n, n * 960, 0.1 + n * 0.02)  # began before its picture
    times = [p.timestamp for p in stage.sent("audio")]
    assert times == sorted(set(times))
    assert [p.sequence for p in stage.sent("audio")] == list(range(len(times)))


def test_a_viewer_starts_at_once_from_the_packets_since_the_keyframe(stage: Stage) -> None:
    source, viewer = ToldSource(1), NotedViewer()
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    source.picture(3, 6000, 0.06)
    source.picture(2, 3000, 0.07)
    stage.program.admit(viewer, 0.1)
    kind, first, cached = viewer.begun[0]
    assert (kind, first) == ("video", 0)
    assert [p.sequence for p in cached] == [0, 1, 2]
    assert [p.timestamp for p in cached] == [0, 3000, 6000]
    assert source.keyframes_wanted == 1  # of the wish alone


def test_a_viewer_of_a_long_group_waits_for_the_keyframe_that_is_asked_for(stage: Stage) -> None:
    source, viewer = ToldSource(1), NotedViewer()
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    late = GOP_SECONDS_MAX + 1
    source.picture(2, int(late * 90_000), late)
    stage.program.admit(viewer, late)
    assert [kind for kind, _, _ in viewer.begun] == ["audio"]
    assert source.keyframes_wanted == 2
    source.picture(3, int((late + 0.1) * 90_000), late + 0.1, keyframe=True)
    assert viewer.begun[1] == ("video", 2, [])


def test_history_gives_a_packet_back_as_it_left(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    (rendition,) = stage.program.video.values()
    assert rendition.recall(0) == stage.sent("video")[0]
    assert rendition.recall(1) is None
    for n in range(2, 2100):
        source.picture(n, n * 3000, n / 30)
    assert rendition.recall(0) is None


def test_a_full_queue_is_counted(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    stage.fanout.full = True
    source.picture(1, 0, 0.0, keyframe=True)
    assert stage.program.queue_full == 1


def test_reports_name_program_time_on_both_clocks(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 777, 0.0, keyframe=True)
    stage.program.report(2.0)
    (_, audio_ntp, audio), (_, video_ntp, video) = stage.fanout.reports
    assert video_ntp == audio_ntp == ntp_from_unix(EPOCH + 2.0)
    assert (video, audio) == (180_000, 96_000)


def test_only_keyframes_carry_the_capture_time(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    source.picture(2, 3000, 0.033)
    assert [p.capture_time is not None for p in stage.sent("video")] == [True, False]


def test_a_source_without_a_picture_is_cut_to_by_its_sound(stage: Stage) -> None:
    source = ToldSource(1)
    del source.tracks["video"], source.layers[""]
    stage.program.wish(source, 0.0)
    source.sound(1, 480, 0.0)
    source.sound(2, 1440, 0.02)
    assert [p.timestamp for p in stage.sent("audio")] == [0, 960]


def test_a_lost_source_leaves_the_program_as_it_was(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    source.picture(1, 0, 0.0, keyframe=True)
    stage.program.lose(source)
    assert source.listeners == []
    assert not stage.program.live
    assert stage.program.started


def test_what_waited_while_we_stood_still_is_left_out(stage: Stage) -> None:
    source = ToldSource(1)
    stage.program.wish(source, 0.0)
    for n in range(30):
        source.picture(n, n * 3000, n / 30, keyframe=n == 0)
        source.sound(n, n * 1600, n / 30)
    asked = source.keyframes_wanted
    stage.program.waking.woke_s = 4.0
    for n in range(30, 121):  # three seconds of it, all at once
        source.picture(n, n * 3000, 4.0, keyframe=n == 60)
        source.sound(n, n * 1600, 4.0)
    assert source.keyframes_wanted > asked
    assert [p.timestamp for p in stage.sent("video")[30:]] == []
    assert stage.sent("audio")[30].timestamp >= 3.5 * 48_000
    source.picture(121, 121 * 3000, 4.04, keyframe=True)
    source.picture(122, 122 * 3000, 4.07)
    assert [(p.sequence, p.timestamp) for p in stage.sent("video")[30:]] == [
        (30, 121 * 3000),
        (31, 122 * 3000),
    ]
    assert [p.sequence for p in stage.sent("audio")] == list(range(len(stage.sent("audio"))))


# -- a feed that another relay gives -----------------------------------------------------------


def pulled(program_ticks: int, stage: Stage, now: float = 0.0) -> ToldSource:
    """A pulled feed that plays from this program time on: 32 bits of it, as they come by RTP."""
    source = ToldSource(9)
    source.pulled = True
    stage.program.wish(source, now)
    sound_ticks = program_ticks * 48 // 90
    source.picture(1, program_ticks & 0xFFFFFFFF, now, keyframe=True)
    source.sound(1, sound_ticks & 0xFFFFFFFF, now)
    source.picture(2, (program_ticks + 3000) & 0xFFFFFFFF, now + 1 / 30)
    source.sound(2, (sound_ticks + 960) & 0xFFFFFFFF, now + 0.02)
    return source


@pytest.mark.parametrize("hours", [0, 13, 14, 25, 27, 40, 150])
def test_reports_of_a_pulled_show_are_right_however_old_it_is(stage: Stage, hours: int) -> None:
    ticks = hours * 3600 * 90_000 + 4_500
    pulled(ticks, stage)
    assert [p.timestamp for p in stage.sent("video")] == [ticks & 0xFFFFFFFF, (ticks + 3000) & 0xFFFFFFFF]
    assert [p.timestamp for p in stage.sent("audio")] == [
        (ticks * 48 // 90 + n * 960) & 0xFFFFFFFF for n in range(2)
    ]
    stage.program.report(1.0)
    (_, _, audio), (_, _, video) = stage.fanout.reports
    assert video == pytest.approx((ticks + 90_000) & 0xFFFFFFFF, abs=200)
    assert audio == pytest.approx((ticks * 48 // 90 + 48_000) & 0xFFFFFFFF, abs=200)


def test_sound_stays_beside_its_picture_where_our_slate_had_run_ahead(stage: Stage) -> None:
    slate = ToldSource(-1, None)
    stage.program.wish(slate, 0.0)
    for n in range(150):
        slate.picture(n, n * 3000, n / 30, keyframe=n == 0)
        slate.sound(n, n * 1600, n / 30)
    stage.program.admit(NotedViewer(), 5.0)
    pulled(180_000, stage, 5.0)  # two seconds of program time there, five here
    video, audio = stage.sent("video")[-1], stage.sent("audio")[-1]
    assert video.timestamp == pytest.approx(450_000 + 3000, abs=400)
    assert audio.timestamp == pytest.approx(5 * 48_000 + 960, abs=400)


def test_a_program_that_nobody_watches_takes_over_the_time_of_the_other_relay(stage: Stage) -> None:
    slate = ToldSource(-1, None)
    stage.program.wish(slate, 0.0)
    for n in range(900):
        slate.picture(n, n * 3000, n / 30, keyframe=n == 0)
        slate.sound(n, n * 1600, n / 30)
    before = len(stage.sent("audio"))
    pulled(180_000, stage, 30.0)
    assert [p.timestamp for p in stage.sent("audio")[before:]] == [96_000, 96_960]
