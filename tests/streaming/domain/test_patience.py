"""Who loses packets waits a little longer; who loses none never does."""

from __future__ import annotations

from itertools import pairwise

from streaming.domain.patience import (
    ANSWER_SECONDS,
    CLOCK_SECONDS,
    DELAY_MS_MAX,
    FIRST_PACKETS,
    FIRST_STEP_MS,
    FRAME_SECONDS,
    RELAX_SECONDS,
    STEP_MS,
    Patience,
    needed_ms,
    playout_delay,
)

RTT_SECONDS = 0.08
FIRST = 30_000


class Path:
    """A viewer that reports each half second, of 200 packets each."""

    def __init__(self) -> None:
        self.patience = Patience(FIRST)
        self.highest, self.lost, self.now = FIRST - 1, 0, 0.0

    def loses(self, share: float, seconds: float) -> int:
        """So much for so long; the delay then."""
        for _ in range(int(2 * seconds)):
            self.highest += 200
            self.lost += int(200 * share)
            self.now += 0.5
            self.patience.heard(self.highest, self.lost, RTT_SECONDS, self.now)
            for _ in range(5):
                self.patience.step()
        return self.patience.delay_ms


def test_a_path_that_loses_nothing_is_never_delayed() -> None:
    assert Path().loses(0.0, 600) == 0


def test_a_single_loss_is_no_lossy_path() -> None:
    path = Path()
    path.loses(0.0, 5)
    assert path.loses(0.03, 0.5) == 0
    assert path.loses(0.0, 5) == 0


def test_a_lossy_path_is_known_by_the_pictures_that_a_viewer_begins_with() -> None:
    patience = Patience(FIRST)
    assert not patience.heard(FIRST + FIRST_PACKETS - 2, 3, RTT_SECONDS, 0.1)  # too few to tell
    assert patience.heard(FIRST + FIRST_PACKETS - 1, 3, RTT_SECONDS, 0.1)
    assert patience.target_ms >= 3 * 80


def test_a_first_burst_that_was_too_much_is_forgotten_with_the_next_report() -> None:
    patience = Patience(FIRST)
    assert patience.heard(FIRST + 399, 350, RTT_SECONDS, 0.1)
    assert not patience.heard(FIRST + 599, 350, RTT_SECONDS, 0.8)
    assert patience.target_ms == 0


def test_a_path_that_becomes_lossy_gets_room_for_three_rounds_of_repair() -> None:
    path = Path()
    path.loses(0.0, 10)
    assert path.loses(0.05, 2) >= 2 * 80
    assert 3 * 80 <= path.loses(0.05, 5) <= DELAY_MS_MAX


def test_a_longer_way_needs_longer_and_never_more_than_the_limit() -> None:
    assert needed_ms(0.05, 0.02) < needed_ms(0.05, 0.08) < needed_ms(0.05, 0.11) <= DELAY_MS_MAX
    assert needed_ms(0.5, 1.0) == DELAY_MS_MAX


def test_two_minutes_of_a_lossy_path_miss_no_packet_but_for_one_viewer_in_ten() -> None:
    loss, rtt_s, packets = 0.05, 0.08, 120 * 300
    rounds = int((needed_ms(loss, rtt_s) / 1000 - FRAME_SECONDS - CLOCK_SECONDS) / (rtt_s + ANSWER_SECONDS))
    unrepaired = loss + (1 - loss) * loss * loss  # the request is lost, or both copies of the repair
    assert packets * loss * unrepaired**rounds < 0.1


def test_more_loss_needs_more_rounds() -> None:
    assert needed_ms(0.01, 0.05) < needed_ms(0.05, 0.05) < needed_ms(0.12, 0.05)


def test_the_delay_is_given_back_late_so_that_it_does_not_swing() -> None:
    path = Path()
    longest = path.loses(0.05, 20)
    assert path.loses(0.0, RELAX_SECONDS / 2) == longest
    path.loses(0.05, 10)
    assert path.loses(0.0, RELAX_SECONDS + 15) == 0


def test_no_step_is_a_freeze() -> None:
    path = Path()
    path.patience.heard(FIRST + 99, 5, RTT_SECONDS, 0.1)
    seen = [0]
    while path.patience.step():
        seen.append(path.patience.delay_ms)
    steps = [after - before for before, after in pairwise(seen)]
    assert max(steps) <= FIRST_STEP_MS
    assert set(steps[1:]) <= {STEP_MS}


def test_a_need_that_wavers_changes_nothing() -> None:
    path = Path()
    path.loses(0.05, 20)
    longest = path.patience.delay_ms
    assert {path.loses(share, 2) for share in (0.04, 0.055, 0.045, 0.05) * 10} == {longest}


def test_what_a_full_path_loses_is_no_reason_to_hold_frames() -> None:
    path = Path()
    path.loses(0.0, 5)
    path.loses(0.5, 0.5)  # before it was known to be full
    assert path.patience.target_ms > 0
    for _ in range(4):
        path.highest, path.lost, path.now = path.highest + 50, path.lost + 25, path.now + 0.1
        path.patience.heard(path.highest, path.lost, RTT_SECONDS, path.now, full=True)
    assert path.patience.target_ms == 0
    assert path.loses(0.0, 5) == 0


def test_the_extension_says_tens_of_milliseconds_in_twelve_bits_each() -> None:
    value = int.from_bytes(playout_delay(340), "big")
    assert (value >> 12, value & 0xFFF) == (34, 1000)
