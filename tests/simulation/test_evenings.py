"""Bad evenings by the thousand: whatever dies, is late, doubled or torn, every law of the shop holds.

`make simulate` plays millions. A failure says which seed it was: `python -m tests.simulation --seed N`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from commerce.desk.propose import Proposal, propose
from commerce.desk.shift import Sent, Shift
from commerce.live.envelope import Letter
from commerce.live.log import Trimmed
from commerce.live.wire import Broken
from commerce.show.evolve import BrokenLog
from commerce.show.state import State
from tests.simulation.evening import play
from tests.simulation.laws import Broken as BrokenLaw
from tests.simulation.world import CALM

SEEDS, SEEDS_A_TEST = 3_000, 300
SEEDS_FOR_A_SABOTEUR = 300
SHORT_EVENING = 58  # a seed of few steps


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_A_TEST))
def test_every_law_holds_in_a_storm(first: int) -> None:
    kills = orders = 0
    for seed in range(first, first + SEEDS_A_TEST):
        try:
            outcome = play(seed)
        except Exception as error:
            raise AssertionError(f"python -m tests.simulation --seed {seed}") from error
        kills, orders = kills + outcome.kills, orders + outcome.orders
    assert kills > SEEDS_A_TEST
    assert orders > SEEDS_A_TEST


def test_a_desk_may_die_between_any_two_steps() -> None:
    for step in range(play(SHORT_EVENING, CALM, 0.0).steps):
        outcome = play(SHORT_EVENING, CALM, 0.0, kill_at=step)
        assert outcome.kills == 1, f"killed at step {step}"


def test_the_same_seed_is_the_same_evening() -> None:
    assert play(17) == play(17)


# -- the laws can fail: desks that take a short cut are found out -------------------------------------


class AnswersFirst(Shift):
    """Tells the fronts before the commit stands."""

    async def _send(self, proposal: Proposal, batch: list[Letter]) -> Sent:
        await super()._post(proposal.replies)
        return await super()._send(proposal, batch)


class BelievesTheWorst(Shift):
    """Takes a broken append for one that did not happen, and writes it once more."""

    async def _settle(self, sent: Sent) -> None:
        try:
            self._take(await sent.underway.outcome())
        except Broken:
            commit = sent.commit._replace(version=sent.commit.version + 1)
            await self._log.append(self.show, commit, sent.along)


class NeverLooksBack(Shift):
    """Sends the next commit before the one under way stands."""

    async def _settle(self, sent: Sent) -> None:
        self._behind = [*getattr(self, "_behind", []), sent][-3:]
        if len(self._behind) == 3 or not self._letters:
            for one in self._behind:
                await super()._settle(one)
            self._behind = []


class HasNoMemory(Shift):
    """Decides a repeated command as if it were a new one."""

    def _propose(self, state: State, by: str, batch: list[Letter], outage_ms: int) -> Proposal | None:
        state.outcomes.clear()
        state.refusals.clear()
        return propose(state, by, batch, self._now_ms(), outage_ms)


@pytest.mark.parametrize("saboteur", [AnswersFirst, BelievesTheWorst, NeverLooksBack, HasNoMemory])
def test_a_desk_that_takes_a_short_cut_is_found_out(saboteur: type[Shift]) -> None:
    with pytest.raises((BrokenLaw, BrokenLog, Trimmed, AssertionError)):
        play_many(saboteur)


def play_many(saboteur: type[Shift]) -> None:
    for seed in range(SEEDS_FOR_A_SABOTEUR):
        play(seed, shift=saboteur)
