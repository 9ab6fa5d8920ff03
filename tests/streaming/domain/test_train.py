"""How far apart answers come tells how wide a path is, and never that a wide one is narrow."""

from __future__ import annotations

import pytest

from streaming.domain.train import BELOW_BYTES, CAR_BYTES, CARS, GAP_SECONDS_MAX, WIDE_BPS, Train

CAR_BITS = (CAR_BYTES + BELOW_BYTES) * 8


def answered(*moments: float) -> Train:
    train = Train()
    train.answered(0.0, 0.04)
    train.leave(0.04)
    for moment in moments:
        train.car_answered(moment)
    return train


@pytest.mark.parametrize("mbps", [0.3, 1.0, 2.5, 4.0])
def test_answers_come_as_far_apart_as_the_narrowest_place_lets_cars_through(mbps: float) -> None:
    gap = CAR_BITS / (mbps * 1e6)
    assert answered(*(0.1 + n * gap for n in range(CARS))).bps() == pytest.approx(mbps * 1e6, rel=0.01)


def test_what_is_wide_is_not_measured() -> None:
    gap = CAR_BITS / (2 * WIDE_BPS)
    assert answered(*(0.1 + n * gap for n in range(CARS))).bps() is None


def test_one_standstill_of_ours_makes_no_path_narrow() -> None:
    assert answered(0.1, 0.1, 0.1, 0.16, 0.16, 0.16).bps() is None


def test_too_few_answers_tell_nothing_and_are_not_waited_for_long() -> None:
    train = answered(0.10, 0.12)
    assert train.bps() is None
    assert train.patience_s(0.12) == pytest.approx(GAP_SECONDS_MAX)
    assert train.patience_s(0.12 + GAP_SECONDS_MAX) == 0.0


def test_nobody_waits_for_who_never_answered() -> None:
    assert Train().patience_s(1.0) == 0.0


def test_a_wide_path_is_not_waited_for() -> None:
    assert answered(0.1, 0.1005, 0.101, 0.1015).patience_s(0.1015) == 0.0
