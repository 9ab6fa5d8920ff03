"""Keeping Python's collector out of a desk's way.

A show is a million lasting objects, and the collector's habit of walking them again costs pauses of tens
of milliseconds just when a sale is busiest. So it does not run by itself: after each commit, when the
answers are out, the young objects are looked at once and whatever lives is taken off its list for good.
Objects still go when nobody holds them; only rings that outlive a commit would stay.
"""

from __future__ import annotations

import gc


def begin() -> None:
    """Once, at the start of the process."""
    gc.collect()
    gc.freeze()
    gc.disable()


def tidy() -> None:
    """After each commit, and now and then when there is none."""
    gc.collect(0)
    gc.freeze()
