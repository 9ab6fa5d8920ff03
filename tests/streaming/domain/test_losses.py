"""What is missing is asked for, again, and given up."""

from __future__ import annotations

from streaming.domain.losses import GIVE_UP_SECONDS, MISSING_MAX, Losses
from streaming.domain.reception import Reception
from streaming.domain.resends import ResendBudget


def test_a_hole_is_asked_for_at_once_and_once_a_round_trip() -> None:
    losses = Losses(rtt_s=0.1)
    losses.arrive(10, 0.0)
    losses.arrive(13, 0.0)
    assert losses.due(0.0).ask == [11, 12]
    assert losses.due(0.05).ask == []
    assert losses.due(0.11).ask == [11, 12]


def test_a_packet_that_comes_late_is_not_missing_any_more() -> None:
    losses = Losses()
    losses.arrive(10, 0.0)
    losses.arrive(12, 0.0)
    assert losses.arrive(11, 0.01) == 11
    assert not losses.waiting


def test_a_hole_is_given_up_after_its_time() -> None:
    losses = Losses()
    losses.arrive(1, 0.0)
    losses.arrive(3, 0.0)
    assert losses.due(GIVE_UP_SECONDS) == ([], True)
    assert losses.given_up == 1


def test_a_repeat_is_told_apart() -> None:
    losses = Losses()
    assert losses.arrive(5, 0.0) == 5
    assert losses.arrive(5, 0.0) is None
    assert losses.repeated == 1


def test_numbers_go_on_over_the_wrap() -> None:
    losses = Losses()
    assert losses.arrive(65_535, 0.0) == 65_535
    assert losses.arrive(1, 0.0) == 65_537
    assert losses.due(0.0).ask == [0]


def test_a_great_jump_is_a_new_beginning_and_not_a_thousand_losses() -> None:
    losses = Losses()
    losses.arrive(0, 0.0)
    losses.arrive(MISSING_MAX + 100, 0.0)
    assert not losses.waiting


def test_no_pattern_of_losses_is_remembered_without_end() -> None:
    losses = Losses()
    for n in range(0, 20 * MISSING_MAX, 7):
        losses.arrive(n & 0xFFFF, 0.0)
        assert len(losses._missing) <= MISSING_MAX
    assert losses.given_up > 0


def test_a_keyframe_forgives_what_was_before_it() -> None:
    losses = Losses()
    losses.arrive(0, 0.0)
    losses.arrive(5, 0.0)
    losses.forgive(5)
    assert not losses.waiting


def test_the_round_trip_is_learnt_from_answers() -> None:
    losses = Losses(rtt_s=0.1)
    losses.arrive(0, 0.0)
    losses.arrive(2, 0.0)
    losses.due(0.0)
    losses.arrive(1, 0.02)
    assert losses.rtt_s < 0.1


def test_a_packet_is_resent_once_a_round_trip() -> None:
    budget = ResendBudget()
    assert budget.allow(7, 1000, 0.0, 0.08, 3e6)
    assert not budget.allow(7, 1000, 0.04, 0.08, 3e6)
    assert budget.allow(7, 1000, 0.09, 0.08, 3e6)


def test_a_storm_of_requests_gets_no_more_than_its_share() -> None:
    budget = ResendBudget()
    sent = sum(
        1000 for n in range(20_000) if budget.allow(n, 1000, n / 4000, 0.001, 1_000_000)
    )  # 5 seconds of 4000 requests a second on a path of 1 Mbit/s
    assert sent <= 64_000 + 5 * 0.25 * 1_000_000 / 8
    assert budget.refused > 15_000


def test_a_receiver_report_counts_loss_since_the_one_before() -> None:
    reception = Reception(90_000)
    assert reception.fraction_lost(100, 90) == 25
    assert reception.fraction_lost(200, 190) == 0


def test_jitter_grows_with_uneven_arrival() -> None:
    even, uneven = Reception(90_000), Reception(90_000)
    for frame in range(100):
        even.arrive(frame * 3000, frame / 30)
        uneven.arrive(frame * 3000, frame / 30 + (0.01 if frame % 2 else 0))
    assert even.jitter < 1
    assert 500 < uneven.jitter < 1000


def test_a_second_copy_follows_only_while_the_share_is_hardly_used() -> None:
    budget = ResendBudget()
    assert budget.allow(1, 1000, 0.0, 0.08, 3e6)
    assert budget.spare(1000, 0.0, 3e6)
    n = 2
    while budget.allow(n, 1000, 0.0, 0.08, 3e6):
        n += 1
    assert not budget.spare(1000, 0.0, 3e6)


def test_a_player_that_repeats_a_little_early_is_heard() -> None:
    budget = ResendBudget()
    assert budget.allow(7, 1000, 0.0, 0.1, 3e6)
    assert budget.allow(7, 1000, 0.07, 0.1, 3e6)
