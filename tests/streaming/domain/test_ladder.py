"""Quality for each viewer, on paths that are simulated as a player sees them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from streaming.domain.bandwidth import Bandwidth
from streaming.domain.ladder import Ladder, Rung
from streaming.domain.sounding import Sounding

RUNGS = (Rung("q", 230_000), Rung("h", 750_000), Rung("f", 2_400_000))
TICK_SECONDS = 0.1
REMB_BEGINS_SECONDS = 5.4


@dataclass
class Player:
    """A path with a queue, and a player behind it whose REMB behaves as Chromium's was measured to."""

    capacity_bps: int
    chance_loss: float = 0.0
    sends_remb: bool = True
    queue_limit_seconds: float = 0.3
    path: Bandwidth = field(default_factory=Bandwidth)
    ladder: Ladder = field(default_factory=Ladder)
    now: float = 0.0
    queue_bits: float = 0.0
    remb: float = 300_000.0
    answer: float | None = None  # the round trip of the report behind a burst
    watched: list[tuple[float, str]] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_SECONDS)):
            self.now += TICK_SECONDS
            self._tick()

    def _tick(self) -> None:
        step = self.ladder.step(RUNGS, self.path, self.now)
        if not self.watched or self.watched[-1][1] != step.rung:
            self.watched.append((self.now, step.rung))
        sent = dict(RUNGS)[step.rung] + step.padding_bps
        lost = self._through_the_queue(sent * TICK_SECONDS)
        if step.burst_bytes:
            self.queue_bits += 8 * step.burst_bytes
            self.path.sounding = Sounding(1, self.now)
            self.answer = 0.04 + self.queue_bits / self.capacity_bps
        arrived = min(sent, self.capacity_bps)
        if sent > self.capacity_bps and self.queue_bits > 0.05 * self.capacity_bps:
            self.remb = 0.85 * arrived
        elif self.queue_bits == 0:
            self.remb = min(self.remb * 1.008, max(1.5 * arrived, self.remb))
        if self.now > REMB_BEGINS_SECONDS and self.sends_remb:
            self.path.heard_remb(int(self.remb), self.now)
        rtt = 0.04 + self.queue_bits / self.capacity_bps
        if lost > 0 or round(self.now / TICK_SECONDS) % 10 == 0:
            if self.answer is not None:
                self.path.heard_answer(1, self.answer)
                self.answer = None
            self.path.heard_report(max(lost, self.chance_loss), rtt, sent, self.now)

    def _through_the_queue(self, bits: float) -> float:
        room = self.queue_limit_seconds * self.capacity_bps + self.capacity_bps * TICK_SECONDS
        kept = min(bits, room - self.queue_bits)
        self.queue_bits = max(0.0, self.queue_bits + kept - self.capacity_bps * TICK_SECONDS)
        return 1 - kept / bits if bits else 0.0

    @property
    def rung(self) -> str:
        return self.watched[-1][1]


def test_a_good_path_begins_and_stays_on_top() -> None:
    player = Player(5_000_000)
    player.remb = 3_000_000
    player.run(60)
    assert [rung for _, rung in player.watched] == ["f"]


@pytest.mark.parametrize("remb", [True, False])
@pytest.mark.parametrize(("capacity", "fitting"), [(1_000_000, "h"), (300_000, "q")])
def test_a_narrow_path_is_fitted_within_two_seconds_of_the_start(
    capacity: int, fitting: str, remb: bool
) -> None:
    player = Player(capacity, sends_remb=remb)
    player.run(4)
    assert player.rung == fitting
    assert player.watched[-1][0] <= (2.0 if fitting == "h" else 4.0)


@pytest.mark.parametrize("remb", [True, False])
def test_a_drop_is_followed_within_two_seconds(remb: bool) -> None:
    player = Player(5_000_000, sends_remb=remb)
    player.remb = 3_000_000
    player.run(20)
    player.capacity_bps = 1_000_000
    player.run(2)
    assert player.rung in ("h", "q")


@pytest.mark.parametrize("remb", [True, False])
def test_recovery_is_climbed_within_five_seconds(remb: bool) -> None:
    player = Player(5_000_000, sends_remb=remb)
    player.remb = 3_000_000
    player.run(20)
    player.capacity_bps = 1_000_000
    player.run(20)
    assert player.rung == "h"
    player.capacity_bps = 5_000_000
    player.run(5)
    assert player.rung == "f"


def test_a_low_estimate_does_not_undo_what_a_probe_has_proven() -> None:
    player = Player(1_000_000)
    player.run(30)
    player.capacity_bps = 5_000_000
    player.run(60)
    assert player.rung == "f"
    assert player.ladder.steps_down <= 2


def test_a_path_between_two_rungs_does_not_swing() -> None:
    player = Player(1_200_000)
    player.run(120)
    changes = [at for at, _ in player.watched if at > 10]
    assert len(changes) <= 4


def test_chance_loss_of_five_percent_is_no_reason_to_step_down() -> None:
    player = Player(5_000_000, chance_loss=0.05)
    player.remb = 3_000_000
    player.run(60)
    assert [rung for _, rung in player.watched] == ["f"]


def test_a_rendition_that_ends_is_replaced_by_one_that_fits() -> None:
    path, ladder = Bandwidth(), Ladder()
    path.heard_remb(3_000_000, 0.0)
    path.heard_remb(900_000, 0.05)
    assert ladder.step(RUNGS, path, 0.1).rung == "h"
    assert ladder.step((RUNGS[0],), path, 0.2).rung == "q"


def test_a_wandering_path_never_leaves_the_ladder() -> None:
    chance = random.Random(7)
    player = Player(2_000_000)
    for _ in range(60):
        player.capacity_bps = chance.choice([200_000, 600_000, 1_500_000, 4_000_000])
        player.chance_loss = chance.choice([0.0, 0.02, 0.08])
        player.run(chance.uniform(0.5, 8))
    assert {rung for _, rung in player.watched} == {"q", "h", "f"}
