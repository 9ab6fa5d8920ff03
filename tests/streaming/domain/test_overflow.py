"""What a full path lets through, from requests and reports alone."""

from __future__ import annotations

import pytest

from streaming.domain.overflow import Arrival, Left, Overflow

RTT = 0.04
QUEUE = 0.3
PACKET = 1000


def told(overflow: Overflow, lost: list[int], *, late_s: float, per_second: int = 300) -> float | None:
    """The newest finding, of packets that leave evenly, of which these are asked for."""
    found = None
    for own in lost:
        at = own / per_second
        found = overflow.missed(own, Left(at, own * PACKET), RTT, at + RTT + late_s) or found
    return found


def test_losses_behind_a_queue_tell_its_rate_within_a_tenth_of_a_second() -> None:
    lost = [own for own in range(100, 145) if own % 3]  # each third comes through: 100 a second
    found = told(Overflow(), lost, late_s=QUEUE)
    assert found == pytest.approx(100 * PACKET * 8, rel=0.1)


def test_repairs_take_their_part() -> None:
    overflow = Overflow()
    for own in range(100, 145):
        overflow.repaired(100, own / 300)
    lost = [own for own in range(100, 145) if own % 3]
    assert told(overflow, lost, late_s=QUEUE) == pytest.approx(110 * PACKET * 8, rel=0.1)


def test_one_gap_of_a_radio_is_no_full_path() -> None:
    assert told(Overflow(), list(range(100, 160)), late_s=0.1) is None


def test_losses_by_chance_are_no_full_path() -> None:
    assert told(Overflow(), list(range(0, 3000, 12)), late_s=0.02) is None


def test_heavy_losses_without_a_queue_are_one() -> None:
    assert told(Overflow(), list(range(0, 600, 2)), late_s=0.02) == pytest.approx(150 * PACKET * 8, rel=0.1)


def test_a_new_stream_begins_without_the_past() -> None:
    overflow = Overflow()
    assert told(overflow, [own for own in range(100, 120) if own % 3], late_s=QUEUE) is None
    overflow.begin()
    assert told(overflow, [own for own in range(200, 220) if own % 3], late_s=QUEUE) is None


def reports(overflow: Overflow, *, behind_s: float, per_second: int, seconds: float) -> float | None:
    """What reports five times a second tell when so many packets arrive."""
    found = None
    for n in range(int(seconds * 5)):
        now, highest = 100 + n / 5, n * per_second // 5
        left = Left(now - RTT - behind_s - 0.01, highest * PACKET)
        arrival = Arrival(highest, 0, left, Left(now - RTT - behind_s, 0))
        found = overflow.reported(arrival, RTT, now) or found
    return found


def test_a_deep_queue_shows_in_reports_without_any_loss() -> None:
    found = reports(Overflow(), behind_s=0.4, per_second=100, seconds=1.0)
    assert found == pytest.approx(100 * PACKET * 8, rel=0.1)


def test_reports_that_keep_up_say_nothing() -> None:
    assert reports(Overflow(), behind_s=0.05, per_second=100, seconds=3.0) is None


def test_a_short_stall_says_nothing() -> None:
    assert reports(Overflow(), behind_s=0.4, per_second=0, seconds=0.4) is None


def test_two_late_reports_a_second_apart_say_nothing_of_the_time_between() -> None:
    overflow, found = Overflow(), []
    for n in range(4):
        left = Left(n - RTT - 0.3, n * 60 * PACKET)
        found.append(overflow.reported(Arrival(n * 60, 0, left, left), RTT, float(n)))
    assert found[:2] == [None, None]
    assert found[2] == pytest.approx(60 * PACKET * 8, rel=0.1)


def test_a_queue_that_overflows_with_every_keyframe_is_one_that_is_too_small() -> None:
    overflow = Overflow()
    for keyframe in range(4):
        for n in range(5):  # the tail of the keyframe
            own = keyframe * 150 + 20 + n
            at = keyframe * 2.0 + n / 1000
            overflow.missed(own, Left(at, own * PACKET), RTT, at + RTT + QUEUE)
        assert overflow.recurs(keyframe * 2.0 + 0.4) == (keyframe >= 2)
    overflow.begin()
    assert not overflow.recurs(8.0)


def test_a_loss_now_and_then_in_a_queue_is_no_overflow() -> None:
    overflow = Overflow()
    for keyframe in range(10):
        at = keyframe * 2.0
        overflow.missed(keyframe * 150, Left(at, 0), RTT, at + RTT + 0.1)
        assert not overflow.recurs(at + 0.2)
