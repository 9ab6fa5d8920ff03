"""How tasks are ended, and a process with them. Knows nothing of what they do."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import structlog
import uvloop

AGAIN_SECONDS: Final = 0.5
END_SECONDS: Final = 5.0

_log: Final = structlog.get_logger("tasks")


async def end(tasks: Iterable[asyncio.Task[Any]], within_s: float = END_SECONDS) -> int:
    """Cancel tasks until they have ended; after `within_s` those that would not are named in the log and left
    alone. How many they are.

    Once may not be enough: a task that awaits `asyncio.wait_for` (redis-py sends through it) can take a
    cancellation for none in Python 3.11, when it comes in the turn of the answer.
    """
    left, until = set(tasks), asyncio.get_running_loop().time() + within_s
    while left:
        for task in left:
            task.cancel()
        remaining_s = until - asyncio.get_running_loop().time()
        if remaining_s <= 0:
            break
        _, left = await asyncio.wait(left, timeout=min(AGAIN_SECONDS, remaining_s))
    for task in left:
        _log.error("a task would not end", task=task.get_name())
    return len(left)


def run(work: Coroutine[Any, Any, int], end_within_s: float = END_SECONDS) -> int:
    """Run a process's work on a loop of its own; its exit code.

    A loop that closes waits for what takes no cancellation, without a bound. So where something would not
    end the process leaves at once: all that had to be done before is done.
    """

    async def whole() -> int:
        code = await work
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if await end(others, end_within_s):
            sys.stderr.flush()
            os._exit(code)
        return code

    return uvloop.run(whole())
