"""What tells that nothing reached a viewer for a while, and what does not."""

from __future__ import annotations

from streaming.domain.absence import AGAIN_SECONDS, Absence
from streaming.domain.overflow import Left

PER_SECOND = 250


def left(own: int) -> Left:
    return Left(own / PER_SECOND, own * 1000)


def test_a_long_silence_is_an_absence_and_a_short_one_is_none() -> None:
    absence = Absence(0.0)
    assert not any(absence.spoke(n / 2) for n in range(1, 20))
    assert not absence.spoke(9.5 + 1.4)
    assert absence.spoke(10.9 + 5.0)
    assert not absence.spoke(16.1)


def test_who_reports_every_five_seconds_is_there_all_the_time() -> None:
    absence = Absence(0.0)
    assert not any(absence.spoke(5.0 * n) for n in range(1, 40))


def test_who_speaks_less_than_before_is_soon_known_for_it() -> None:
    absence = Absence(0.0)
    for n in range(1, 100):
        absence.spoke(n * 0.3)
    later = [absence.spoke(29.7 + 5.0 * n) for n in range(1, 20)]
    assert sum(later) <= 4
    assert not any(later[4:])


def test_requests_for_all_of_a_long_time_are_an_absence() -> None:
    assert Absence(0.0).asked(range(500, 625), left, 3.0)


def test_where_something_came_between_it_is_a_full_path() -> None:
    asked = [own for own in range(500, 625) if own % 40]
    assert not Absence(0.0).asked(asked, left, 3.0)


def test_requests_for_what_left_together_are_none() -> None:
    assert not Absence(0.0).asked(range(500, 625), lambda own: Left(2.0 + own // 60 * 0.033, own), 3.0)


def test_what_is_asked_for_again_is_the_same_absence() -> None:
    absence = Absence(0.0)
    assert absence.asked(range(500, 625), left, 3.0)
    assert not absence.asked(range(500, 625), left, 3.0 + 2 * AGAIN_SECONDS)
    assert absence.asked(range(1500, 1625), left, 7.0)


def test_two_absences_close_together_are_one() -> None:
    absence = Absence(0.0)
    assert not any(absence.spoke(n / 4) for n in range(1, 8))
    assert absence.spoke(5.0)
    assert not absence.asked(range(1000, 1125), left, 5.0 + AGAIN_SECONDS / 2)
