"""A seeded world: processes are coroutines that one scheduler steps, in an order drawn from the seed.

Between any two steps a process may be killed (its coroutine is closed), frozen, or find its connection
broken: a request may be lost, done without an answer, or done much later. Time is a number that grows.
Nothing here is asyncio; whatever runs in the world awaits this world's pauses alone.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from commerce.live.wire import ALONE, Along, Broken, Entry, Knock, Outdated, Tenure, Underway
from tests.simulation.memory import Memory, id_of

T = TypeVar("T")


@dataclass
class Pause:
    """Give the turn away until `until_ms`, or earlier when `ready()` turns true."""

    until_ms: float = 0.0
    ready: Callable[[], bool] | None = None

    def __await__(self) -> Generator[Pause, None, None]:
        yield self


@dataclass
class Process:
    """A running coroutine. `frozen_until_ms` is SIGSTOP; time goes on without it."""

    name: str
    body: Coroutine[Any, Any, None]
    waiting: Pause = field(default_factory=Pause)
    frozen_until_ms: float = 0.0
    ended: bool = False


@dataclass(frozen=True)
class Weather:
    """How bad it is: chances per request or per step."""

    lost: float = 0.01  # a request never arrives
    unanswered: float = 0.01  # it is done, but the answer is lost
    late: float = 0.01  # the sender sees a broken connection; it is done up to 4 s later
    doubled: float = 0.02  # a letter arrives twice


STEP_MS = (0, 0, 0, 1, 1, 5)  # how much time a step may take
CALM, STORM = Weather(0, 0, 0, 0), Weather()


class World:
    """Time, the server, the processes, and the dice."""

    def __init__(self, seed: int, weather: Weather = CALM) -> None:
        self.dice = random.Random(seed)
        self.weather = weather
        self.time_ms = 1_800_000_000_000.0
        self.server = Memory(lambda: int(self.time_ms))
        self.processes: list[Process] = []
        self.steps = 0
        self._somebody_ended = False
        self._late: list[tuple[float, Callable[[], object]]] = []

    def start(self, name: str, body: Coroutine[Any, Any, None]) -> Process:
        process = Process(name, body)
        self.processes.append(process)
        return process

    def kill(self, process: Process) -> None:
        """kill -9: not one more line of it runs that talks to the world."""
        process.ended = self._somebody_ended = True
        process.body.close()

    def later(self, do: Callable[[], object]) -> None:
        self._late.append((self.time_ms + self.dice.uniform(1, 4_000), do))

    def step(self) -> bool:
        """Let one process take one step; False when none is left."""
        if self._somebody_ended:
            self.processes = [process for process in self.processes if not process.ended]
            self._somebody_ended = False
        if not self.processes:
            return False
        self.steps += 1
        self.time_ms += STEP_MS[int(self.dice.random() * len(STEP_MS))]
        if self._late:
            self._do_late()
        runnable = [process for process in self.processes if self._runnable(process)]
        if not runnable:
            moments = [max(p.waiting.until_ms, p.frozen_until_ms) for p in self.processes]
            self.time_ms = max(self.time_ms + 1, min(moments + [moment for moment, _ in self._late]))
            return True
        self._run(runnable[int(self.dice.random() * len(runnable))])
        return True

    def _do_late(self) -> None:
        due = [do for moment, do in self._late if moment <= self.time_ms]
        self._late = [(moment, do) for moment, do in self._late if moment > self.time_ms]
        for do in due:
            with contextlib.suppress(Outdated):  # whoever asked is long gone
                do()

    def _runnable(self, process: Process) -> bool:
        if process.frozen_until_ms > self.time_ms:
            return False
        pause = process.waiting
        return pause.until_ms <= self.time_ms or (pause.ready is not None and pause.ready())

    def _run(self, process: Process) -> None:
        try:
            process.waiting = process.body.send(None)
        except StopIteration:
            process.ended = self._somebody_ended = True


class WorldClock:
    """A desk's clock: its own zero, and a drift of up to a thousandth."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._zero = world.time_ms - world.dice.uniform(0, 1e9)
        self._rate = world.dice.uniform(0.999, 1.001)

    def monotonic_ms(self) -> float:
        return (self._world.time_ms - self._zero) * self._rate

    async def sleep(self, ms: float) -> None:
        await Pause(self._world.time_ms + ms)


class Asked(Generic[T]):
    """A request that was made: its answer, or what went wrong."""

    def __init__(self, *answer: T, broken: Exception | None = None) -> None:
        self._answer, self._broken = answer, broken

    async def outcome(self) -> T:
        await Pause()
        if self._broken is not None:
            raise self._broken
        return self._answer[0]


class WorldWire:
    """`Wire` in the world: each request gives the turn away twice, and either way may break."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def _begin(self, do: Callable[[], T]) -> Asked[T]:
        """The request goes out and arrives, or does not; whoever asked learns it later."""
        world = self._world
        await Pause()
        fate, weather = world.dice.random(), world.weather
        if fate < weather.lost:
            return Asked(broken=Broken("lost on the way"))
        if fate < weather.lost + weather.late:
            world.later(do)
            return Asked(broken=Broken("will arrive late"))
        lost = Broken("the answer was lost") if fate > 1 - weather.unanswered else None
        try:
            return Asked(do(), broken=lost)
        except Outdated as refused:
            return Asked(broken=lost or refused)

    async def _ask(self, do: Callable[[], T]) -> T:
        return await (await self._begin(do)).outcome()

    async def now_ms(self) -> int:
        return await self._ask(self._world.server.now_ms)

    async def send(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> Underway:
        return await self._begin(lambda: self._world.server.append(key, entry_id, fields, along))

    async def append(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> list[Entry]:
        return await self._ask(lambda: self._world.server.append(key, entry_id, fields, along))

    async def knock(self, key: str, letters: Sequence[Mapping[str, bytes]]) -> Knock:
        if self._world.dice.random() < self._world.weather.doubled:
            self._world.later(lambda: self._world.server.knock(key, letters))
        return await self._ask(lambda: self._world.server.knock(key, letters))

    async def post(self, posts: Sequence[tuple[str, bytes]], most: int, expire_ms: int) -> None:
        await self._ask(lambda: self._world.server.post(posts, most, expire_ms))

    async def read(self, key: str, after: str, count: int) -> list[Entry]:
        return await self._ask(lambda: self._world.server.read(key, after, count))

    async def wait(self, key: str, after: str, count: int, block_ms: int) -> list[Entry]:
        world = self._world
        behind = id_of(after)
        await Pause(world.time_ms + block_ms, lambda: world.server.any_behind(key, behind))
        return await self._ask(lambda: world.server.read(key, after, count))

    async def entry(self, key: str, entry_id: str) -> Entry | None:
        return await self._ask(lambda: self._world.server.entry(key, entry_id))

    async def newest(self, key: str) -> Entry | None:
        return await self._ask(lambda: self._world.server.newest(key))

    async def length(self, key: str) -> int:
        return await self._ask(lambda: self._world.server.length(key))

    async def trim(self, key: str, min_id: str) -> None:
        await self._ask(lambda: self._world.server.trim(key, min_id))

    async def take_lease(self, lease: str, alive: str, owner: str, ms: int) -> Tenure | None:
        return await self._ask(lambda: self._world.server.take_lease(lease, alive, owner, ms))

    async def renew_lease(self, lease: str, alive: str, owner: str, ms: int) -> int | None:
        return await self._ask(lambda: self._world.server.renew_lease(lease, alive, owner, ms))

    async def left_ms(self, lease: str) -> int:
        return await self._ask(lambda: self._world.server.left_ms(lease))

    async def leave_lease(self, lease: str, owner: str) -> None:
        await self._ask(lambda: self._world.server.leave_lease(lease, owner))

    async def get(self, key: str) -> bytes | None:
        return await self._ask(lambda: self._world.server.get(key))

    async def put(self, key: str, value: bytes) -> None:
        await self._ask(lambda: self._world.server.put(key, value))

    async def fields(self, key: str) -> dict[str, bytes]:
        return await self._ask(lambda: self._world.server.fields(key))

    async def replace(self, key: str, before: str, fields: Mapping[str, bytes], seen: bytes) -> None:
        await self._ask(lambda: self._world.server.replace(key, before, fields, seen))

    async def aclose(self) -> None:
        return None
