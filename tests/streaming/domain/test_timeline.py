"""RTP, NTP and program time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.contract import ProgramTime
from streaming.domain.timeline import (
    CaptureClock,
    Followed,
    Line,
    ProgramClock,
    aligned_offset,
    middle,
    ntp_from_unix,
    round_trip_seconds,
    short_units,
    unix_from_ntp,
    unwrapped,
    whole_program_time,
)

NOW = 1_790_000_000.0


@given(st.integers(0, 2**40), st.integers(-30_000, 30_000))
def test_a_wrapped_number_is_found_again_near_the_one_before(previous: int, step: int) -> None:
    following = previous + step
    assert unwrapped(previous, following & 0xFFFF, 16) == following


def test_the_first_number_is_taken_as_it_is() -> None:
    assert unwrapped(None, 65_000, 16) == 65_000


@given(st.floats(0, 2_000_000_000))
def test_ntp_and_unix_time_name_the_same_moment(unix_s: float) -> None:
    assert unix_from_ntp(ntp_from_unix(unix_s)) == pytest.approx(unix_s, abs=1e-5)


def test_a_round_trip_is_now_less_the_report_less_the_delay() -> None:
    report = middle(ntp_from_unix(NOW))
    rtt = round_trip_seconds(ntp_from_unix(NOW + 0.580), report, short_units(0.5))
    assert rtt == pytest.approx(0.080, abs=0.001)


def test_a_report_block_without_a_report_has_no_round_trip() -> None:
    assert round_trip_seconds(ntp_from_unix(NOW), 0, 0) is None


def test_a_round_trip_from_the_future_is_not_believed() -> None:
    assert round_trip_seconds(ntp_from_unix(NOW), middle(ntp_from_unix(NOW + 5)), 0) is None


def test_program_time_runs_with_the_wall_clock_after_the_first_frame() -> None:
    clock = ProgramClock()
    clock.observe(0, NOW)
    assert clock.at(NOW + 2) == 180_000


def test_the_report_line_follows_the_quickest_packet_and_not_the_jitter() -> None:
    clock = ProgramClock()
    for frame in range(300):
        late = 0.030 if frame % 3 else 0.0
        clock.observe(frame * 3000, NOW + frame / 30 + late)
    ntp, timestamp = clock.report(NOW + 10, 90_000)
    assert unix_from_ntp(ntp) - timestamp / 90_000 == pytest.approx(NOW, abs=0.012)


def test_sound_and_picture_are_reported_on_one_line() -> None:
    clock = ProgramClock()
    clock.observe(0, NOW)
    video, audio = clock.report(NOW + 1.5, 90_000), clock.report(NOW + 1.5, 48_000)
    assert video[0] == audio[0]
    assert video[1] / 90_000 == pytest.approx(audio[1] / 48_000)


def test_a_cut_goes_on_by_the_time_that_passed() -> None:
    clock = ProgramClock()
    clock.observe(0, NOW)
    clock.observe(90_000, NOW + 1)
    assert clock.next_cut(NOW + 3) == pytest.approx(270_000, abs=100)


def test_a_cut_never_goes_back_even_when_the_frame_came_early() -> None:
    clock = ProgramClock()
    clock.observe(0, NOW)
    clock.observe(90_000, NOW + 1)
    assert clock.next_cut(NOW + 0.5) > 90_000


def test_the_first_frame_of_a_program_is_at_zero() -> None:
    assert ProgramClock().next_cut(NOW) == 0


def test_sound_is_aligned_by_the_moment_of_capture() -> None:
    video, audio = CaptureClock(90_000), CaptureClock(48_000)
    video.learn(1_000_000, ntp_from_unix(NOW))
    audio.learn(5_000, ntp_from_unix(NOW + 0.1))
    picture, sound = video.captured_at(1_000_000), audio.captured_at(5_000 + 4_800)
    assert picture is not None
    assert sound is not None
    offset = aligned_offset((1_000_000, ProgramTime(180_000), picture), 9_800, sound, 48_000)
    assert 9_800 + offset == pytest.approx(2 * 48_000 + 0.2 * 48_000, abs=2)


def test_a_first_correction_of_sound_is_made_at_once_and_later_ones_softly() -> None:
    line = Line(48_000, 0)
    line.correct(2_400)
    assert line.offset == 2_400
    line.correct(4_800)
    assert line.offset == 2_448


def test_a_clock_that_jumped_is_followed_at_once() -> None:
    line = Line(48_000, 0, settled=True)
    line.correct(48_000)
    assert line.offset == 48_000


def test_a_leap_is_ahead_of_time_or_back_and_late_is_none() -> None:
    line = Line(90_000, 0)
    assert line.place(9 * 90_000, 0, ProgramTime(9 * 90_000)) == 9 * 90_000
    assert line.place(9 * 90_000, 0, ProgramTime(3_000)) is None
    assert line.place(0, 9 * 90_000, ProgramTime(9 * 90_000)) is None
    assert line.place(3_000, 0, ProgramTime(20 * 90_000)) == 3_000


def test_a_relay_that_comes_later_counts_from_when_the_show_went_on_air() -> None:
    assert ProgramClock(NOW - 60).next_cut(NOW) == 60 * 90_000
    assert ProgramClock(NOW + 1).next_cut(NOW) == 0  # its wall clock is behind


def test_a_group_of_pictures_that_began_before_what_was_seen_is_squeezed_behind_it() -> None:
    line, at = Followed(90_000, 0, settled=True, floor=900_000), ProgramTime(900_000)
    group = [810_000 + n * 3_000 for n in range(31)]  # the last is what was seen here last
    placed = [line.place(tick, None, at) or 0 for tick in group]
    assert placed == sorted(set(placed))
    assert 900_000 < placed[0] < placed[-1] <= at + 3_000
    assert [line.outgoing(tick) for tick in group] == placed  # what is repaired leaves as it was sent
    assert line.place(903_000, None, ProgramTime(903_000)) == 903_000


def test_time_that_is_ahead_elsewhere_is_caught_up_with_slowly() -> None:
    line, clock = Followed(90_000, 0, settled=True), ProgramClock()
    clock.observe(0, NOW)
    ahead, steps = 36_000, []
    for n in range(1, 400):
        unix_s = NOW + n / 30
        outgoing = line.place(n * 3_000 + ahead, None, clock.at(unix_s))
        assert outgoing is not None
        steps.append(outgoing - clock.last_ticks)
        clock.observe(outgoing, unix_s)
    assert max(steps) <= 3_000 + 2_000
    assert outgoing == 399 * 3_000 + ahead


@given(st.integers(0, 15 * 2**32 - 1), st.floats(-600, 600))
def test_sound_and_picture_together_know_program_time_for_eight_days(ticks: int, apart_s: float) -> None:
    sound = max(0, round(ticks * 48 / 90 + apart_s * 48_000))
    assert whole_program_time(ticks & 0xFFFFFFFF, sound & 0xFFFFFFFF) == ticks


@given(st.integers(0, 2**40), st.integers(0, 14))
def test_a_line_that_was_short_by_wraps_speaks_of_the_same_moment_afterwards(ticks: int, turns: int) -> None:
    true, short = ProgramClock(), ProgramClock()
    true.observe(ticks + turns * 2**32, NOW)
    short.observe(ticks, NOW)
    short.shift(turns * 2**32)
    assert short.last_ticks == true.last_ticks
    for rate in (90_000, 48_000):
        assert short.report(NOW + 1, rate)[1] == pytest.approx(true.report(NOW + 1, rate)[1], abs=rate / 1000)
