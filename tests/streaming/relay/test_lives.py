"""The law of quality for each viewer, over lives that chance made: see `tests/streaming/lives.py`.

More of them than a test may take: `python -m tests.streaming.lives --lives 200`.
"""

from __future__ import annotations

import pytest

from tests.streaming.lives import HABITS, changing, live, steady

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
