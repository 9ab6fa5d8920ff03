"""One evening under one seed: everybody starts, trouble strikes, then calm, then the laws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from commerce.desk.shift import Shift
from commerce.live.wire import ALONE, Along, Entry
from commerce.show import commands as c
from tests.simulation.laws import judge, log_key
from tests.simulation.memory import Memory
from tests.simulation.people import Desks, Front, Journal, archivist, bank, buyer, host, reader
from tests.simulation.world import CALM, STORM, Weather, World

STEPS_MOST = 200_000
UNITS = 8


@dataclass(frozen=True)
class Outcome:
    """Figures of one evening, so that a test can see that it was a bad one."""

    steps: int
    commits: int
    kills: int
    orders: int
    checked: int


class Recording(Memory):
    """The server, with a copy of every entry of the log: the laws read what trimming forgot."""

    written: list[Entry]

    def append(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> list[Entry]:
        came = super().append(key, entry_id, fields, along)
        if key == log_key():
            self.written.append(Entry(entry_id, dict(fields)))
        return came


def play(
    seed: int,
    weather: Weather = STORM,
    trouble: float = 0.002,
    kill_at: int | None = None,
    shift: type[Shift] = Shift,
) -> Outcome:
    """Play the evening of a seed and hold the laws. `kill_at` kills the first desk at that step alone."""
    world = World(seed, weather)
    world.server = server = Recording(lambda: int(world.time_ms))
    server.written = []
    journal, sold = Journal(), list[str]()
    buyers = world.dice.randint(2, 5)
    gone: list[int] = []
    desks = Desks(world, journal, trouble, shift)
    prices = _Prices(journal)
    people = [world.start("host", host(Front(world, journal, "host"), UNITS, lambda: len(gone) == buyers))]
    for number in range(buyers):
        front = Front(world, journal, f"buyer-{number}")
        orders = world.dice.randint(1, 4)
        people.append(world.start(front.actor, buyer(front, orders, sold, lambda: gone.append(1))))
    till = Front(world, journal, "bank")
    people.append(world.start("bank", bank(till, sold, prices, lambda: len(gone) == buyers)))
    people.append(world.start("archivist", archivist(world, journal)))
    people.append(world.start("reader", reader(world, journal)))
    while people:
        if people[-1].ended:
            people.pop()
            continue
        if world.steps == kill_at:
            desks.kill(0)
        desks.strike()
        if world.steps > STEPS_MOST // 2:
            world.weather, desks.trouble = CALM, 0.0  # every storm ends; then all must come right
        if not world.step() or world.steps > STEPS_MOST:
            raise AssertionError(f"nothing moves any more: {[p.name for p in people if not p.ended]}")
    state = judge(server.written, journal, UNITS)
    for process in world.processes:
        world.kill(process)
    return Outcome(world.steps, state.version, desks.kills, len(state.orders), journal.checked)


class _Prices(dict[str, int]):
    """What an order costs, as the buyer's own wish says."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def __missing__(self, order: str) -> int:
        for wish in self._journal.wishes.values():
            if isinstance(wish, c.PlaceOrder):
                self[wish.order] = wish.total
        return self[order]
