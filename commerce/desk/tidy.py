"""Keeping Python's collector out of a desk's way.

A show is a million lasting objects, and the collector's habit of walking them again costs pauses of tens
of milliseconds just when a sale is busiest. So it does not run by itself: while a commit is under way the
young objects are looked at once, if they are few, and whatever lives is taken off its list for good.
Objects still go when nobody holds them; only rings that outlive a commit, or of a full one, would stay.
"""

from __future__ import annotations

import gc
from typing import Final

YOUNG_MOST: Final = 5_000  # more is a crowd's commit: half a microsecond an order, and it makes no rings


def begin() -> None:
    """Once, at the start of the process."""
    gc.collect()
    gc.freeze()
    gc.disable()


def tidy() -> None:
    """After each commit, and now and then when there is none."""
    if gc.get_count()[0] <= YOUNG_MOST:
        gc.collect(0)
    gc.freeze()
