"""All shows of one desk process: a shift for each on the roster, each with a wire and a task of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from commerce.desk.clock import Clock
from commerce.desk.shift import QUIET_MS, Shift, nothing
from commerce.live.log import Trimmed
from commerce.live.roster import Roster
from commerce.live.snapshot import in_a_thread
from commerce.live.wire import Broken, Wire
from commerce.show.events import UnknownEvent
from commerce.show.evolve import BrokenLog
from commerce.tasks import end

LOOK_SECONDS: Final = 0.25
SHOWS_MOST: Final = 1_000
STOP_SECONDS: Final = 3.0

_log: Final = structlog.get_logger("office")


class Office:
    """Runs a shift for every show on the roster. `run` ends when its task is cancelled or all is stopped.

    A show whose log cannot be believed (`broken`) is not run again: somebody has to look.
    """

    def __init__(
        self,
        roster: Roster,
        connect: Callable[[], Wire],
        clock: Clock,
        incarnation: Callable[[], str],
        *,
        quiet_ms: float = QUIET_MS,
        stop_seconds: float = STOP_SECONDS,
        tidy: Callable[[], None] = nothing,
    ) -> None:
        self._quiet_ms, self._stop_seconds, self._tidy = quiet_ms, stop_seconds, tidy
        self.shifts: dict[str, Shift] = {}
        self.broken: dict[str, str] = {}
        self._roster, self._connect, self._clock, self._incarnation = roster, connect, clock, incarnation
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look at the roster again and again."""
        while True:
            try:
                shows = await self._roster.shows()
            except Broken as why:
                _log.warning("no roster", why=str(why))
            else:
                for show in sorted(shows - self._tasks.keys() - self.broken.keys()):
                    if len(self._tasks) < SHOWS_MOST:
                        self._tasks[show] = asyncio.create_task(self._work(show), name=f"shift {show}")
            self._tidy()
            await asyncio.sleep(LOOK_SECONDS)

    async def _work(self, show: str) -> None:
        wire = self._connect()
        shift = self.shifts[show] = Shift(
            show,
            wire,
            self._clock,
            self._incarnation,
            quiet_ms=self._quiet_ms,
            aside=in_a_thread,
            tidy=self._tidy,
        )
        try:
            await shift.run()
            if not shift.stopping:
                await self._roster.remove(show)
        except Broken as why:
            _log.warning("show stays on the roster", show=show, why=str(why))
        except (BrokenLog, Trimmed, UnknownEvent) as alarm:
            # Going on would build on a log that nobody can believe.
            self.broken[show] = repr(alarm)
            _log.exception("alarm: the show's log cannot be believed", show=show)
        except Exception:
            # A fault of ours costs this tenure, not the show: nothing that was not committed is kept.
            _log.exception("the shift failed and is begun again", show=show)
        finally:
            with contextlib.suppress(Exception):
                await wire.aclose()
            self.shifts.pop(show, None)
            self._tasks.pop(show, None)

    async def stop(self) -> None:
        """Finish the batches under way and give the leases back."""
        for shift in self.shifts.values():
            shift.stopping = True
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=self._stop_seconds)
        await end(tasks)
