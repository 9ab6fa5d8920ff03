"""The law of quality for each viewer, over lives that chance made: see `tests/streaming/lives.py`.

More of them than a test may take: `python -m tests.streaming.lives --lives 200`.
"""

from __future__ import annotations

import random

import pytest

from tests.streaming.lives import HABITS, Life, changing, live, steady

SEEDS = range(3)


@pytest.mark.parametrize("habits", HABITS)
def test_no_road_that_stays_is_swung_on(habits: str) -> None:
    for seed in SEEDS:
        life = steady(habits, seed)
        one = live(life)
        assert one.faults() == [], (life, one.walk)


@pytest.mark.parametrize("habits", HABITS)
def test_every_drop_is_fitted_and_every_recovery_climbed_in_time(habits: str) -> None:
    for seed in SEEDS:
        life = changing(habits, seed)
        one = live(life)
        assert one.fits
        assert one.climbs
        assert one.faults() == [], (life, one.walk)


@pytest.mark.parametrize("seed", [11, 22, 33])
def test_what_was_seen_at_a_join_is_not_believed_for_ever(seed: int) -> None:
    dice = random.Random(seed)
    drop, recovery = 10 + dice.uniform(0, 2), 24 + dice.uniform(0, 2)
    life = Life("plain", ((0.0, 1.0), (drop, 0.4), (recovery, 4.0)), 32.0, seed)
    one = live(life)
    assert one.faults() == [], (life, one.walk)
