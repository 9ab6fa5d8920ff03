"""Keeping Python's collector out of the way of those who follow shows: fronts and effects.

A followed show is a million lasting objects, and the collector's habit of walking them again took a ninth of
each request, paused every viewer and doubled what the archivist pays for its fold. So the young are looked at
seldom, and what lives through a second is taken off the collector's list. Objects still go when nobody holds
them; a ring that was alive at such a moment stays until the whole is looked at, once an hour. Requests leave
none but those of SQL statements, which die young.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Final

YOUNG_MOST: Final = 20_000  # new objects before the youngest are looked at
OLDER_AFTER: Final = 20  # such looks before the older ones are
NEVER: Final = 1_000_000
TIDY_SECONDS: Final = 1.0
WHOLE_SECONDS: Final = 3_600.0


def begin() -> None:
    """Once, at the start of the process."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MOST, OLDER_AFTER, NEVER)


def look_at_the_whole() -> None:
    """Find the rings among all that was set aside."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def keep_tidy() -> None:
    """For ever: set aside what lives, every second; look at everything, every hour."""
    whole_at = time.monotonic() + WHOLE_SECONDS
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        if time.monotonic() >= whole_at:
            look_at_the_whole()
            whole_at = time.monotonic() + WHOLE_SECONDS
        gc.collect(1)
        gc.freeze()
