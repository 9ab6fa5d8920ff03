"""Joins on roads of little width: a picture soon, and none that stands behind it."""

from __future__ import annotations

import pytest

from tests.streaming.players import CHROMIUM, LEAN, Habits, Player
from tests.streaming.roads import House
from tests.streaming.world import Road

ONE_SIZE = {"f": (60_000, 8_200)}
WATCHED_SECONDS = 6.0
EVERYBODY = pytest.mark.parametrize("habits", [CHROMIUM, LEAN], ids=["chromium", "lean"])


def join(house: House, phase: float, road: Road, habits: Habits = CHROMIUM) -> tuple[float, Player]:
    """When it came, and the player, after some seconds."""
    house.run(phase)
    came = house.world.now
    player = house.join(road, habits)
    house.run(WATCHED_SECONDS)
    return came, player


def longest(player: Player) -> float:
    """The longest standstill that has ended, in seconds."""
    return max((length for _, length in player.frozen), default=0.0)


@EVERYBODY
@pytest.mark.parametrize(
    ("mbps", "queue_s", "width"),
    [(0.4, 0.3, 320), (0.6, 0.1, 320), (0.6, 1.0, 320), (1.0, 0.1, 640), (1.0, 0.3, 640), (1.0, 1.0, 640),
     (3.0, 0.1, 1280), (3.0, 1.0, 1280)],
)  # fmt: skip
@pytest.mark.parametrize("phase", [0.01, 0.52, 1.03, 1.71])
def test_a_join_shows_a_picture_soon_and_goes_on(
    habits: Habits, mbps: float, queue_s: float, width: int, phase: float
) -> None:
    house = House()
    came, player = join(house, phase, house.road(mbps, queue_s=queue_s, rtt_s=0.08), habits)
    assert player.walk
    assert player.walk[0][0] - came <= 1.5
    assert longest(player) <= 1.0
    assert house.world.now - player.last_shown_s <= 1.0
    assert player.shows(house.world.now) == width


@pytest.mark.parametrize(("mbps", "within_s"), [(0.6, 1.5), (1.0, 1.0), (1.6, 0.7), (3.0, 0.5)])
@pytest.mark.parametrize("phase", [0.01, 1.03, 1.71])
def test_a_show_of_one_size_is_begun_at_the_pace_of_the_road(
    mbps: float, within_s: float, phase: float
) -> None:
    house = House(ONE_SIZE)
    came, player = join(house, phase, house.road(mbps, rtt_s=0.08))
    assert player.walk
    assert player.walk[0][0] - came <= within_s


@pytest.mark.parametrize("phase", [0.01, 1.03])
def test_a_good_road_is_begun_as_before(phase: float) -> None:
    house = House()
    came, player = join(house, phase, house.road(8.0, queue_s=0.3, rtt_s=0.04))
    assert player.walk[0][0] - came <= 0.3
    assert player.shows(house.world.now) == 1280
    assert player.frozen == []
    assert player.viewer.figures.nacked == 0


def test_who_answers_no_check_of_ours_joins_all_the_same() -> None:
    house = House()
    came, player = join(house, 0.52, house.road(1.6), Habits(answers=False))
    assert player.walk[0][0] - came <= 1.5
