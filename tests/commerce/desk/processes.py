"""Real desk processes and a crowd of callers that never give up, with a journal of what they were told."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from commerce.live import keys
from commerce.live.inbox import Accepted, Answer, Busy, Inbox, NoAnswer, Refused
from commerce.live.log import Log
from commerce.live.roster import Roster
from commerce.live.snapshot import Snapshots
from commerce.live.valkey import open_redis, open_wire
from commerce.show import events as e
from commerce.show.refusals import TooLate
from commerce.show.state import State
from tests.commerce.shop import opening, order

SHOW = "s1"


class Desks:
    """Desk processes on one server."""

    def __init__(self, url: str, port: Callable[[], int]) -> None:
        self.url, self.port, self.all = url, port, list[subprocess.Popen[bytes]]()
        self.ports: list[int] = []

    def start(self, **settings: str) -> subprocess.Popen[bytes]:
        self.ports.append(self.port())
        at = f"127.0.0.1:{self.ports[-1]}"
        environment = {**os.environ, "REDIS_URL": self.url, "DESK_HTTP": at, **settings}
        process = subprocess.Popen(
            [sys.executable, "-m", "commerce.desk"], env=environment, stderr=subprocess.DEVNULL
        )
        self.all.append(process)
        return process

    async def started(self) -> subprocess.Popen[bytes]:
        """Start one and wait until it is up: what is measured then is the take-over alone."""
        process = self.start()
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.ports[-1])
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return process

    def stop(self) -> None:
        for process in self.all:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.all:
            process.wait(30)


def another_front(url: str, callers: int, seconds: int) -> subprocess.Popen[bytes]:
    """A front process of its own, whose callers ask for an offer that is not there: each is refused."""
    command = [sys.executable, "-m", "benchmarks.rig.callers", url, SHOW, str(callers), str(seconds), "other"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


@asynccontextmanager
async def front(url: str) -> AsyncIterator[Inbox]:
    redis = open_redis(url)
    inbox = Inbox(lambda: open_wire(url), Roster(redis))
    try:
        yield inbox
    finally:
        await inbox.aclose()
        await redis.aclose()


async def opened(inbox: Inbox, units: int) -> None:
    """Open the show with so many scarves."""
    for number, command in enumerate(opening(units)):
        answer = await persist(inbox, number, command)
        assert isinstance(answer, Accepted), answer


async def persist(inbox: Inbox, number: int, command: object) -> Answer:
    """Ask until the desk has decided."""
    while True:
        try:
            answer = await inbox.ask(SHOW, command, actor="host", key=f"open-{number}")  # type: ignore[arg-type]  # a command of `opening`
        except (Busy, NoAnswer):
            await asyncio.sleep(0.05)
        else:
            if is_the_last_word(answer):
                return answer


def is_the_last_word(answer: Answer) -> bool:
    """TooLate is none: nothing was decided, and who asks again is heard anew."""
    return not (isinstance(answer, Refused) and isinstance(answer.refusal, TooLate))


class Crowd:
    """Callers who each place orders, one after another, with one key an order until they are told."""

    def __init__(self, inbox: Inbox, callers: int) -> None:
        self.journal: dict[str, Answer] = {}
        self.told_at: list[float] = []
        self.tries = 0
        self._inbox = inbox
        self._stop = False
        self._tasks = [asyncio.create_task(self._call(caller)) for caller in range(callers)]

    async def _call(self, caller: int) -> None:
        number = 0
        while not self._stop:
            name = f"{caller}.{number}"
            number += 1
            while name not in self.journal:
                self.tries += 1
                try:
                    answer = await self._inbox.ask(
                        SHOW, order(name, f"b{caller}"), actor=f"b{caller}", key=name
                    )
                except (Busy, NoAnswer):
                    await asyncio.sleep(0.02)
                else:
                    self.told_at.append(time.monotonic())
                    if is_the_last_word(answer):
                        self.journal[name] = answer
            await asyncio.sleep(0.002)

    async def told(self, more: int, within_seconds: float = 60.0) -> None:
        """Wait until so many more answers came."""
        goal, deadline = len(self.journal) + more, time.monotonic() + within_seconds
        while len(self.journal) < goal:
            assert time.monotonic() < deadline, f"{len(self.journal)} answers, {goal} wanted"
            await asyncio.sleep(0.01)

    async def rests(self, within_seconds: float = 40.0) -> None:
        """Wait until nobody was told anything for half a second."""
        async with asyncio.timeout(within_seconds):
            told = -1
            while told != len(self.journal):
                told = len(self.journal)
                await asyncio.sleep(0.5)

    async def finish(self) -> None:
        self._stop = True
        await asyncio.wait_for(asyncio.gather(*self._tasks), 60)

    @property
    def running(self) -> bool:
        return not self._stop

    @property
    def longest_silence(self) -> float:
        """Seconds in which nobody was told anything."""
        return max(b - a for a, b in zip(self.told_at, self.told_at[1:], strict=False))


async def audited(url: str, crowd: Crowd, units: int) -> State:
    """The state of the log, after holding the crowd's journal against every entry of it."""
    journal = dict(crowd.journal)  # before the log is read: what was told by now must stand in it
    wire = open_wire(url)
    commits = []
    while more := await Log(wire).read(SHOW, len(commits)):
        commits += more
    state = await Snapshots(wire).load(SHOW)
    await wire.aclose()
    events = [event for commit in commits for event in commit.events]
    placed = Counter(event.order for event in events if isinstance(event, e.OrderPlaced))
    assert all(count == 1 for count in placed.values()), "doubled"
    for name, answer in journal.items():
        if isinstance(answer, Accepted):
            assert placed[name] == 1, f"{name} was acknowledged and is lost"
        else:
            assert isinstance(answer, Refused)
            assert placed[name] == 0, f"{name} was refused and placed"
    assert crowd.running or set(placed) <= set(journal), "an order that nobody was told of"
    pool = state.pools["scarf"]
    assert pool.held == len(state.orders) <= units
    return state


async def holder(url: str) -> str | None:
    """The incarnation that has the lease."""
    wire = open_wire(url)
    try:
        lease = await wire.get(keys.lease(SHOW))
        return None if lease is None else lease.decode()
    finally:
        await wire.aclose()
