"""A path that bears less than the stream is found out, fed what it bears, and given back in time."""

from __future__ import annotations

from streaming.domain.narrow import (
    BELOW,
    ENOUGH,
    IMMUNE_SECONDS,
    LEAST_BPS,
    Flow,
    Narrow,
)

FIRST = 2000
FLOW = Flow(2_500_000, 1000.0)
ROUND_TRIP_SECONDS = 0.08


class Path:
    """A road of some width: reports each half second of what came through."""

    def __init__(self, width_bps: float, chance_loss: float = 0.0) -> None:
        self.width_bps, self.chance_loss = width_bps, chance_loss
        self.narrow = Narrow(FIRST, 0.0)
        self.highest, self.lost, self.now = FIRST - 1, 0, 0.0
        self.overflow_bps = 0.0

    def runs(self, seconds: float) -> float | None:
        """So long; the rate at the end, None for all."""
        for _ in range(int(2 * seconds)):
            self.now += 0.5
            sent_bps = min(FLOW.bps, self.narrow.rate_bps or FLOW.bps)
            sent = round(sent_bps / 8 * 0.5 / FLOW.packet_bytes)
            share = max(0.0, 1 - self.width_bps / sent_bps) + self.chance_loss
            self.highest += sent
            self.lost += round(sent * share)
            self.narrow.used = (self.narrow.rate_bps or 0) < 2 * FLOW.bps  # keyframes come as bursts
            self.narrow.heard_round_trip(
                ROUND_TRIP_SECONDS + (0.3 if share > self.chance_loss else 0), self.now
            )
            self.narrow.heard(self.highest, self.lost, FLOW, self.now)
        return self.narrow.rate_bps


def test_a_path_that_bears_all_is_left_alone() -> None:
    assert Path(5e6).runs(300) is None


def test_what_another_stream_lost_is_not_laid_to_this_one() -> None:
    narrow = Narrow(FIRST, 0.0)
    narrow.heard(FIRST + 100, 0, FLOW, 0.5)
    narrow.restart(FIRST + 150, 45, 0.8)  # the stream before ended in a full queue
    narrow.heard(FIRST + 200, 45, FLOW, 1.3)
    assert narrow.rate_bps is None
    assert not narrow.suspect
    narrow.heard(FIRST + 250, 70, FLOW, 1.8)
    assert narrow.rate_bps is not None


def test_random_loss_is_no_narrow_path() -> None:
    assert Path(5e6, chance_loss=0.05).runs(300) is None


def test_a_bottleneck_is_found_out_within_a_second_and_fed_below_its_width() -> None:
    rate = Path(1e6).runs(1.0)
    assert rate is not None
    assert rate <= BELOW * 1e6 * 1.05


def test_what_a_bottleneck_gets_stays_about_its_width() -> None:
    path = Path(1e6)
    path.runs(10)
    rates = [path.runs(0.5) or 0.0 for _ in range(200)]
    assert min(rates) > 0.6e6
    assert max(rates) < 1.15e6


def test_the_burst_that_a_viewer_begins_with_condemns_no_path() -> None:
    narrow = Narrow(FIRST, 0.0)
    narrow.heard(FIRST + 400, 300, FLOW, 0.5)
    narrow.heard(FIRST + 550, 300, FLOW, 1.0)
    assert narrow.rate_bps is None


def test_a_full_queue_and_a_low_estimate_tell_of_a_bottleneck_without_any_loss() -> None:
    narrow = Narrow(FIRST, 0.0)
    highest = FIRST
    for step in range(10):
        narrow.heard_round_trip(ROUND_TRIP_SECONDS if step < 2 else 0.5, step / 2)
        narrow.heard_remb(1_000_000, step / 2)
        highest += 150
        narrow.heard(highest, 0, FLOW, step / 2)
    assert narrow.rate_bps is not None


def test_a_low_estimate_alone_says_only_that_little_came() -> None:
    narrow = Narrow(FIRST, 0.0)
    for step in range(1, 100):
        narrow.heard_round_trip(ROUND_TRIP_SECONDS, step / 2)
        narrow.heard_remb(400_000, step / 2)
        narrow.heard(FIRST + 150 * step, 0, FLOW, step / 2)
    assert narrow.rate_bps is None


def test_loss_that_stays_when_less_is_sent_is_no_matter_of_width() -> None:
    path = Path(50e6, chance_loss=0.35)
    seen = {path.runs(0.5) is None for _ in range(20)}
    assert seen == {True, False}
    assert path.narrow.rate_bps is None
    assert path.runs(IMMUNE_SECONDS / 2) is None


def test_a_path_that_widens_is_fed_in_full_again() -> None:
    path = Path(1e6)
    assert path.runs(10) is not None
    path.width_bps = 20e6
    path.runs(40)
    assert (path.narrow.rate_bps or 0) > ENOUGH * FLOW.bps
    assert path.narrow.bears(FLOW.bps, path.now)
    assert path.narrow.rate_bps is None


def test_a_path_that_proves_narrow_again_is_tried_less_often() -> None:
    path = Path(1e6)
    waits = []
    for _ in range(4):
        began = path.now
        path.width_bps = 1e6
        path.runs(2)
        path.width_bps = 50e6
        while not path.narrow.bears(FLOW.bps, path.now):
            path.runs(0.5)
        waits.append(path.now - began)
    assert waits[-1] >= waits[0]
    assert waits[-1] >= 20


def test_the_rate_never_falls_to_nothing() -> None:
    path = Path(1e4)
    path.runs(60)
    assert path.narrow.rate_bps is None or path.narrow.rate_bps >= LEAST_BPS
