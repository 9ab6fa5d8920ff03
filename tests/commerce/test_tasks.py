"""A task that takes a cancellation for none is cancelled again."""

from __future__ import annotations

import asyncio
import contextlib

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
    await end([])
