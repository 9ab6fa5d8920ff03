"""A viewer that nothing reached for a while: a new picture soon, nothing held against its path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streaming.rtc import rtcp
from tests.streaming.players import CHROMIUM, LEAN, MUTE, PLAIN, Habits, Player
from tests.streaming.roads import SIZES, House

ONE_SIZE = {"f": SIZES["f"]}
ELSEWHERE = ("192.0.2.2", 9)
NEW_PICTURE_SECONDS = 0.7  # behind the end of the gap; of it 0.4 until a player of these habits speaks at all
WATCHED_SECONDS = 20.0


def interrupted(house: House, player: Player, seconds: float) -> None:
    """Nothing comes through, either way."""
    house.run(15.0)
    player.road.loss = 1.0
    house.run(seconds)
    player.road.loss = 0.0


def seconds_until_shown(house: House, player: Player) -> float:
    since, shown = house.world.now, player.frames
    while player.frames == shown and house.world.now < since + WATCHED_SECONDS:
        house.run(0.02)
    return house.world.now - since


@pytest.mark.parametrize("gap_s", [0.5, 5.0, 12.0])
@pytest.mark.parametrize("habits", [CHROMIUM, LEAN, PLAIN, MUTE], ids=["chromium", "lean", "plain", "mute"])
def test_a_gap_costs_its_own_length_and_no_quality(gap_s: float, habits: Habits) -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(20), habits)
    interrupted(house, player, gap_s)
    asked = player.viewer.figures.resent
    assert seconds_until_shown(house, player) < NEW_PICTURE_SECONDS
    back = house.world.now
    for _ in range(int(WATCHED_SECONDS)):
        house.run(1.0)
        assert player.viewer.figures.narrow_bps is None
    assert player.stood(back + 0.01, house.world.now) == 0.0
    assert player.viewer.figures.resent == asked  # a keyframe makes all of it needless
    assert player.viewer.figures.sound_repeats == 0


def test_a_gap_on_a_path_that_bears_little_leaves_the_size_as_it_was() -> None:
    house = House()
    player = house.join(house.road(1.2))
    interrupted(house, player, 5.0)
    width, back = player.shows(house.world.now), house.world.now
    assert width == 640
    house.run(WATCHED_SECONDS)
    assert player.turns(back, house.world.now) == 0
    assert player.stood(back + 1.0, house.world.now) == 0.0


def test_a_viewer_that_moved_sees_a_new_picture_before_it_has_said_a_word() -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(20))
    interrupted(house, player, 8.0)
    heard = player.viewer.figures.keyframe_requests
    player.viewer.moved(ELSEWHERE)
    assert player.viewer.figures.keyframe_requests == heard
    assert seconds_until_shown(house, player) < 0.25
    house.run(WATCHED_SECONDS)
    assert player.viewer.figures.narrow_bps is None
    assert player.viewer.figures.absences == 1


def test_what_failed_on_the_old_path_is_tried_soon_on_the_new_one() -> None:
    house = House()
    player = house.join(house.road(0.5))
    house.run(30.0)
    assert player.shows(house.world.now) == 320
    player.road.rate_bps = 20e6
    player.viewer.moved(ELSEWHERE)
    moved = house.world.now
    assert player.shows(moved) == 320  # it begins with what it had: mostly only a port has changed
    house.run(8.0)
    climbed = player.first(moved, lambda width: width == 1280)
    assert climbed is not None
    assert climbed < 6.0


def test_a_path_that_is_full_is_no_gap() -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(20))
    house.run(15.0)
    player.road.rate_bps = 0.8e6
    house.run(10.0)
    assert player.viewer.figures.absences == 0
    assert player.viewer.figures.narrow_bps is not None


def test_a_standstill_of_our_own_is_nobodys_absence() -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(20))
    house.run(15.0)
    house.world.now += 6.0  # nothing is done meanwhile; then all that is due, at once
    player.viewer.rtcp_came(rtcp.remb(1, 3_000_000, [player.ssrc]), house.world.now)
    house.run(3.0)
    assert player.viewer.figures.absences == 0


def test_a_report_of_a_gap_that_comes_before_the_requests_makes_no_path_narrow() -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(20), replace(CHROMIUM, asks=False))
    viewer = player.viewer
    house.run(15.0)
    first = viewer._spans["video"][-1].newest
    player.road.loss = 1.0
    house.run(1.2)  # no silence that would be long for it
    player.road.loss = 0.0
    missed = range(first + 1, viewer._spans["video"][-1].newest)
    for _ in range(60):
        if viewer.figures.narrow_bps is None:
            house.run(0.05)
    assert viewer.figures.narrow_bps is not None
    viewer.rtcp_came(rtcp.nack(1, player.ssrc, [own & 0xFFFF for own in missed]), house.world.now)
    assert viewer.figures.absences == 1
    house.run(1.0)
    assert viewer.figures.narrow_bps is None
    assert player.stood(house.world.now - 0.5, house.world.now) == 0.0


def test_while_its_path_is_narrow_a_gap_changes_nothing_of_that() -> None:
    house = House(ONE_SIZE)
    player = house.join(house.road(1.0))
    house.run(20.0)
    rate = player.viewer.figures.narrow_bps
    assert rate is not None
    interrupted(house, player, 5.0)
    house.run(5.0)
    now = player.viewer.figures.narrow_bps
    assert now is not None
    assert now > rate / 2
