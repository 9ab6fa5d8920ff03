"""A place on the ladder, told step by step. How it goes on a road is told in relay/test_fitting.py."""

from __future__ import annotations

from streaming.domain.bandwidth import (
    CAP_LASTS_SECONDS,
    PROBE_SECONDS,
    PROBE_SECONDS_MAX,
    SILENT_VERDICT_SECONDS,
    Bandwidth,
)
from streaming.domain.ladder import CALM_SECONDS, REST_SECONDS_MAX, SOUND_EVERY_SECONDS, Ladder, Rung
from streaming.domain.overflow import Arrival, Left
from streaming.domain.sounding import Sounding, burst_bytes

RUNGS = (Rung("q", 230_000), Rung("h", 750_000), Rung("f", 2_400_000))


def choked(path: Bandwidth, now: float, share: float = 0.5) -> None:
    """A report of heavy loss."""
    path.heard_loss(share, 2_400_000, now - 1.0, now)


def fallen(now: float = 10.0) -> tuple[Bandwidth, Ladder]:
    """A viewer that has just gone down from the top."""
    path, ladder = Bandwidth(), Ladder()
    path.heard_round_trip(0.04, now - 1)
    assert ladder.step(RUNGS, path, now - 1).rung == "f"
    choked(path, now)
    assert ladder.step(RUNGS, path, now).rung == "h"
    path.heard_loss(0.0, 750_000, now + 0.5, now + 1)
    return path, ladder


def test_the_first_choice_is_the_largest() -> None:
    assert Ladder().step(RUNGS, Bandwidth(), 0.0).rung == "f"


def test_a_full_path_gets_what_comes_through() -> None:
    fallen()


def test_the_picture_rests_while_a_queue_drains_and_what_is_learnt_meanwhile_counts() -> None:
    path, ladder = Bandwidth(), Ladder()
    path.heard_round_trip(0.04, 0.0)
    ladder.step(RUNGS, path, 0.0)
    for n in range(40):  # of thirty packets each third comes through, each behind 0.3 s of queue
        if n % 3:
            path.heard_missed(n, Left(1 + n / 100, n * 1000), 1 + n / 100 + 0.34)
    resting = ladder.step(RUNGS, path, 1.74)
    assert resting.rests
    choked(path, 1.75, 0.95)
    assert ladder.step(RUNGS, path, 1.74 + REST_SECONDS_MAX).rung == "q"


def test_old_findings_are_no_reason_to_go_down() -> None:
    path, ladder = Bandwidth(), Ladder()
    ladder.step(RUNGS, path, 0.0)
    choked(path, 1.0)
    assert ladder.step(RUNGS, path, 1.1 + CAP_LASTS_SECONDS).rung == "f"


def test_a_falling_estimate_alone_is_no_reason_to_go_down() -> None:
    path, ladder = Bandwidth(), Ladder()
    ladder.step(RUNGS, path, 0.0)
    for n, bps in enumerate((3_000_000, 2_000_000, 1_000_000, 500_000, 400_000)):
        path.heard_remb(bps, n / 5)
        assert ladder.step(RUNGS, path, n / 5).rung == "f"


def test_a_falling_estimate_counts_while_all_that_comes_is_late() -> None:
    path, ladder = Bandwidth(), Ladder()
    path.heard_round_trip(0.04, 0.0)
    ladder.step(RUNGS, path, 0.0)
    rungs = []
    for n, bps in enumerate((3_000_000, 2_000_000, 1_000_000, 900_000)):
        now = 5 + n / 5
        path.heard_remb(bps, now)
        path.heard_arrival(Arrival(n, 0, Left(now - 0.3, n * 1000), Left(now - 0.25, n * 1000)), now)
        rungs.append(ladder.step(RUNGS, path, now))
    assert [step.rests for step in rungs[:3]] == [False, False, True]
    assert rungs[3].rung != "f"


def test_one_late_word_does_not_stand_for_the_time_behind_it() -> None:
    path, ladder = Bandwidth(), Ladder()
    path.heard_round_trip(0.04, 0.0)
    ladder.step(RUNGS, path, 0.0)
    path.heard_remb(3_000_000, 4.9)
    path.heard_arrival(Arrival(9, 0, Left(4.7, 9000), Left(4.75, 10_000)), 5.0)
    for n, bps in enumerate((2_000_000, 1_000_000, 900_000)):
        now = 5.1 + n / 5
        path.heard_remb(bps, now)
        assert ladder.step(RUNGS, path, now).rung == "f"


def test_what_came_through_decides_where_to_go_and_not_an_estimate_that_fell_lower() -> None:
    path, ladder = Bandwidth(), Ladder()
    ladder.step(RUNGS, path, 0.0)
    path.heard_remb(3_000_000, 0.9)
    path.heard_remb(600_000, 1.0)
    choked(path, 1.0, 0.6)  # so 0.9 Mbit/s came
    assert ladder.step(RUNGS, path, 1.0).rung == "h"


def test_a_path_is_sounded_then_probed_then_climbed() -> None:
    path, ladder = fallen()
    assert not ladder.sound(RUNGS, path, 10.1)  # too soon
    now = 11.1 + CALM_SECONDS
    wanted_bps = ladder.sound(RUNGS, path, now)
    assert wanted_bps > RUNGS[2].bps
    path.begin_sounding(Sounding(7, now, burst_bytes(wanted_bps), wanted_bps), now)
    assert ladder.step(RUNGS, path, now + 0.1).padding_bps == 0
    path.heard_answer(7, 0.05)
    ladder.step(RUNGS, path, now + 0.2)
    assert ladder.step(RUNGS, path, now + 0.3).padding_bps > 1_500_000
    at = now + 0.3 + PROBE_SECONDS
    path.heard_arrival(Arrival(9, 0, Left(at - 0.06, 1000), Left(at - 0.03, 2000)), at)
    assert ladder.step(RUNGS, path, at).rung == "f"


def test_a_shallow_path_is_left_alone_for_a_while() -> None:
    path, ladder = fallen()
    now = 11.1 + CALM_SECONDS
    path.begin_sounding(Sounding(7, now, 12_000, 2_640_000), now)
    path.heard_answer(7, 0.15)
    step = ladder.step(RUNGS, path, now + 0.2)
    assert (step.rung, step.padding_bps) == ("h", 0)
    assert not ladder.sound(RUNGS, path, now + 1)
    assert ladder.sound(RUNGS, path, now + SOUND_EVERY_SECONDS)


def test_a_player_without_a_clock_is_probed_unsounded() -> None:
    path, ladder = Bandwidth(), Ladder()
    ladder.step(RUNGS, path, 0.0)
    choked(path, 1.0)
    assert ladder.step(RUNGS, path, 1.0).rung == "h"
    path.heard_loss(0.0, 750_000, 1.5, 2.0)
    assert not ladder.sound(RUNGS, path, 9.0)
    ladder.step(RUNGS, path, 9.0)
    assert ladder.step(RUNGS, path, 9.1).padding_bps > 0
    assert ladder.step(RUNGS, path, 9.2 + PROBE_SECONDS_MAX + SILENT_VERDICT_SECONDS).rung == "f"


def test_a_climb_that_slips_makes_the_next_wait() -> None:
    path, ladder = fallen()
    now = 20.0
    waits = []
    for _ in range(3):
        began = now
        while not ladder.sound(RUNGS, path, now):
            now += 0.1
        waits.append(now - began)
        path.begin_probe(now)
        path.heard_arrival(Arrival(9, 0, Left(now + 0.9, 0), Left(now + 0.95, 0)), now + 1)
        ladder._target = RUNGS[2]  # what a sounding leads to
        assert ladder.step(RUNGS, path, now + 1).rung == "f"
        choked(path, now + 3)
        assert ladder.step(RUNGS, path, now + 3).rung == "h"
        path.heard_loss(0.0, 750_000, now + 3.5, now + 4)
        now += 4
    assert waits == sorted(waits)
    assert waits[-1] > 2 * waits[1]


def test_a_rendition_that_ends_is_replaced_by_one_that_fits() -> None:
    _, ladder = fallen()
    assert ladder.step((RUNGS[0],), Bandwidth(), 10.2).rung == "q"
