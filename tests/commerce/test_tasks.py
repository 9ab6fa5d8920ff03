"""A task that takes a cancellation for none is cancelled again, and one that takes none is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys

from structlog.testing import capture_logs

from commerce.tasks import end


async def test_a_task_that_swallows_a_cancellation_ends_all_the_same() -> None:
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        swallowed += 1
        await asyncio.sleep(3_600)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end([task])
    assert swallowed == 1
    assert task.cancelled()


async def test_nothing_to_end_is_no_wait() -> None:
    assert await end([]) == 0


async def test_a_task_that_never_ends_is_counted_named_and_left() -> None:
    released = asyncio.Event()

    async def stubborn() -> None:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    async def meek() -> None:
        await released.wait()

    tasks = [asyncio.create_task(stubborn(), name="mule"), asyncio.create_task(meek())]
    await asyncio.sleep(0)
    with capture_logs() as said:
        assert await end(tasks, 0.02) == 1
    assert [line["task"] for line in said] == ["mule"]
    assert tasks[1].cancelled()
    released.set()
    await tasks[0]


def test_a_process_whose_task_takes_no_cancellation_ends_all_the_same() -> None:
    program = """
import asyncio, sys
from commerce import tasks

async def deaf():
    while True:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            pass

async def work():
    global kept
    kept = asyncio.create_task(deaf(), name="mule")
    await asyncio.sleep(0)
    return 3

sys.exit(tasks.run(work(), 0.05))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, env=dict(os.environ), check=False
    )
    assert (done.returncode, b"mule" in done.stdout + done.stderr) == (3, True)
