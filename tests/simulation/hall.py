"""A world with shifts that a test starts, stops and asks by hand, on wires that break when told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from commerce.desk.shift import COMMANDS_PER_COMMIT, Shift
from commerce.live import envelope, keys
from commerce.live.envelope import Accepted, Answer, Ask
from commerce.live.log import decode
from commerce.live.wire import ALONE, Along, Broken, Underway
from commerce.show import commands as c
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.state import State, fresh
from tests.commerce.shop import opening
from tests.simulation.world import CALM, Asked, Pause, Process, World, WorldClock, WorldWire

SHOW = "s1"


class Hall:
    """A world with shifts that one starts, stops and asks by hand."""

    def __init__(self) -> None:
        self.world = World(1, CALM)
        self.wires: list[Breakable] = []
        self.tickets = 0

    def desk(self, most: int = COMMANDS_PER_COMMIT) -> tuple[Shift, Process]:
        number = len(self.wires) + 1
        wire = Breakable(self.world)
        self.wires.append(wire)
        names = (f"{number:08x}{life:08x}" for life in range(1, 1_000))
        shift = Shift(SHOW, wire, WorldClock(self.world), lambda: next(names), most=most)
        return shift, self.world.start(f"desk {number}", shift.run())

    def run(self, seconds: float) -> None:
        end = self.world.time_ms + seconds * 1_000
        alarm = self.world.start("alarm", _until(self.world, end))
        while self.world.time_ms < end:
            self.world.step()
        self.world.kill(alarm)

    def send(self, command: c.Command, key: str, *, actor: str = "ann", deadline_ms: int = 5_000) -> str:
        """Put a command into the inbox; the name of the front that is answered."""
        self.tickets += 1
        front = f"front-{self.tickets}"
        name, body = c.to_wire(command)
        deadline = int(self.world.time_ms) + deadline_ms
        ask = Ask(1, actor, key, c.fingerprint(command), deadline, "", name, body)
        self.world.server.knock(keys.inbox(SHOW), [envelope.seal(front, [ask])])
        return front

    def answers(self, front: str) -> list[Answer]:
        entries = self.world.server.read(keys.answers(SHOW, front), "0-0", 100)
        return [envelope.answer(reply) for entry in entries for reply in envelope.unseal_replies(entry)]

    def ask(self, command: c.Command, key: str, *, actor: str = "ann", deadline_ms: int = 5_000) -> Answer:
        front = self.send(command, key, actor=actor, deadline_ms=deadline_ms)
        self.until(lambda: bool(self.answers(front)))
        return self.answers(front)[-1]

    def until(self, ready: Callable[[], bool], seconds: float = 10) -> None:
        end = self.world.time_ms + seconds * 1_000
        while not ready():
            assert self.world.time_ms < end, "it did not come to pass"
            self.world.step()

    def open(self, units: int = 10) -> None:
        for number, command in enumerate(opening(units)):
            assert isinstance(self.ask(command, f"open-{number}", actor="host"), Accepted)

    def log(self) -> list[Commit]:
        return [decode(entry) for entry in self.world.server.read(keys.log(SHOW), "0-0", 10_000)]

    def state(self) -> State:
        state = fresh(SHOW)
        for commit in self.log():
            fold(state, commit)
        return state


async def _until(world: World, end_ms: float) -> None:
    await Pause(end_ms)


class Breakable(WorldWire):
    """A wire whose next append goes wrong in a chosen way."""

    fate: str | None = None
    thaw_ms = 0.0  # how long it takes to come by a snapshot
    thawed = 0

    async def fields(self, key: str) -> dict[str, bytes]:
        self.thawed += 1
        await Pause(self._world.time_ms + self.thaw_ms)
        return await super().fields(key)

    async def send(self, key: str, entry_id: str, fields: Any, along: Along = ALONE) -> Underway:
        fate, self.fate = self.fate, None
        if fate == "lost":
            return Asked(broken=Broken("the request was lost"))
        if fate == "late":
            self._world.later(lambda: self._world.server.append(key, entry_id, fields, along))
            return Asked(broken=Broken("the request will come late"))
        underway = await super().send(key, entry_id, fields, along)
        return Asked(broken=Broken("the answer was lost")) if fate == "unanswered" else underway
