"""A relay process ends in order, whatever its tasks make of it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from structlog.testing import capture_logs

from streaming.process import end
from tests.streaming.house import open_house

LONG_SECONDS = 3_600.0


async def test_a_relay_ends_though_a_task_takes_a_cancellation_for_none(tmp_path: Path) -> None:
    deaf_for_once = asyncio.Event()

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(LONG_SECONDS)
        deaf_for_once.set()
        await asyncio.sleep(LONG_SECONDS)

    async with asyncio.timeout(30):
        async with open_house(tmp_path) as house:
            task = asyncio.create_task(deaf())
            house.process.tasks.append(task)
            await asyncio.sleep(0)
    assert deaf_for_once.is_set()
    assert task.cancelled()


async def test_a_task_that_never_ends_is_counted_named_and_left() -> None:
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    task = asyncio.create_task(stubborn(), name="mule")
    await asyncio.sleep(0)
    with capture_logs() as said:
        assert await end([task], 0.02) == 1
    assert [line["task"] for line in said] == ["mule"]
    released.set()
    await task
