"""All effects of one process: an archivist and a stage keeper for each show, and the jobs that go round.

Each runs as one task that is begun again after a pause when it breaks: what it did is durable, what it
did not is done then. Trouble is counted and named in /healthz; one show's trouble leaves the others alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from commerce.books import Books
from commerce.books.archive import unfinished
from commerce.effects import archivist as archiving
from commerce.effects import staging
from commerce.effects.archivist import Archivist, Slowest
from commerce.live.cursor import Cursor
from commerce.live.log import Log
from commerce.live.roster import Roster
from commerce.live.stage import Stages
from commerce.live.wire import Wire
from commerce.tasks import end

LOOK_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
REMEMBER_SECONDS: Final = 60.0
CENSUS_SECONDS: Final = 10.0
SHOWS_MOST: Final = 1_000

log = structlog.get_logger("effects")


class Trouble(NamedTuple):
    """What went wrong last, and when (monotonic seconds)."""

    what: str
    at: float


@dataclass
class Office:
    """Looks which shows there are and keeps a task for each of their effects."""

    books: Books
    roster: Roster
    connect: Callable[[], Wire]
    cursor: Callable[[str, str], Cursor]
    slowest: Slowest
    stages: Stages
    mails: bool = False  # buyers are written to
    archivists: dict[str, Archivist] = field(default_factory=dict)
    trouble: dict[str, Trouble] = field(default_factory=dict)  # by show and effect
    _tasks: dict[str, list[asyncio.Task[None]]] = field(default_factory=dict)
    _behind: set[str] = field(default_factory=set)
    _next_census: float = 0.0

    async def run(self) -> None:
        """Until cancelled; then every task has ended."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await end([task for tasks in self._tasks.values() for task in tasks])

    def ills(self) -> dict[str, str]:
        """What went wrong within the last minute."""
        now = time.monotonic()
        return {place: ill.what for place, ill in self.trouble.items() if now - ill.at < REMEMBER_SECONDS}

    async def _look(self) -> None:
        try:
            wanted = await self.roster.shows() | await self._lagging()
        except Exception as error:
            self.trouble["roster"] = Trouble(repr(error), time.monotonic())
            log.warning("cannot see which shows there are", error=repr(error))
            return
        for show in sorted(wanted - self._tasks.keys()):
            if len(self._tasks) < SHOWS_MOST:
                self._tasks[show] = [
                    asyncio.create_task(
                        self._keep(show, archiving.NAME, self._archive), name=f"archive {show}"
                    ),
                    asyncio.create_task(self._keep(show, staging.NAME, self._stage), name=f"stage {show}"),
                ]
        for show in sorted(self._tasks.keys() - wanted):
            keeper = self.archivists.get(show)
            if keeper is None or keeper.idle:
                await end(self._tasks.pop(show))

    async def _lagging(self) -> set[str]:
        """Shows no desk runs any more whose log is longer than what is booked; looked for now and then."""
        if time.monotonic() < self._next_census:
            return self._behind
        async with self.books.read() as tx:
            known = await unfinished(tx, int(time.time() * 1000))
        wire = self.connect()
        try:
            tops = {show: await Log(wire).top(show) for show in known}
        finally:
            await wire.aclose()
        self._behind = {show for show, top in tops.items() if top > known[show]}
        self._next_census = time.monotonic() + CENSUS_SECONDS
        return self._behind

    async def _archive(self, show: str) -> None:
        wire = self.connect()
        try:
            cursor = self.cursor(show, archiving.NAME)
            keeper = Archivist(show, self.books, wire, cursor, slowest=self.slowest, mails=self.mails)
            self.archivists[show] = keeper
            await keeper.run()
        finally:
            self.archivists.pop(show, None)
            await wire.aclose()

    async def _stage(self, show: str) -> None:
        wire = self.connect()
        try:
            await staging.keep_stage(show, wire, self.stages)
        finally:
            await wire.aclose()

    async def _keep(self, show: str, name: str, work: Callable[[str], Awaitable[None]]) -> None:
        pause = PAUSE_SECONDS
        place = f"{show} {name}"
        while True:
            began = time.monotonic()
            try:
                await work(show)
            except Exception as error:
                self.trouble[place] = Trouble(repr(error), time.monotonic())
                log.exception("effect broke; it begins again", show=show, effect=name)
            if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                pause = PAUSE_SECONDS
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


async def go_round(
    name: str, seconds: float, job: Callable[[], Awaitable[object]], trouble: dict[str, Trouble]
) -> None:
    """Do a job again and again with a pause, whatever becomes of it, until cancelled; `trouble` is told."""
    while True:
        try:
            await job()
        except Exception as error:
            trouble[name] = Trouble(repr(error), time.monotonic())
            log.exception("job broke; it begins again", job=name)
        await asyncio.sleep(seconds)
