"""A desk's office ends in order, whatever its shifts make of it."""

from __future__ import annotations

import asyncio
import contextlib

from commerce.desk.clock import RealClock
from commerce.desk.office import Office
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis
from tests.simulation.world import World, WorldWire

LONG_SECONDS = 3_600.0


class OneShow(Roster):
    """Always the same show."""

    def __init__(self) -> None:
        super().__init__(open_redis("unix:///nowhere"))

    async def shows(self) -> set[str]:
        return {"show-1"}


class DeafOnce(WorldWire):
    """Takes a cancellation for none, as a wait in Python 3.11 may."""

    def __init__(self) -> None:
        super().__init__(World(0))
        self.asked = asyncio.Event()

    async def left_ms(self, lease: str) -> int:
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(LONG_SECONDS)
        await asyncio.sleep(LONG_SECONDS)
        return 0


async def test_an_office_ends_though_a_shift_takes_a_cancellation_for_none() -> None:
    wire = DeafOnce()
    office = Office(OneShow(), lambda: wire, RealClock(), lambda: "a" * 16, stop_seconds=0.0)
    work = asyncio.create_task(office.run())
    async with asyncio.timeout(30):
        await wire.asked.wait()
        work.cancel()
        await office.stop()
    assert office.shifts == {}
