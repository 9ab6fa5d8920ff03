"""Many things to do, each apart: one that breaks keeps none of the others from being done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def apart(things: Iterable[T], do: Callable[[T], Awaitable[bool]]) -> int:
    """Do each, in order; how many said True. Raises, when all were tried, what the last that broke raised."""
    done, broken = 0, None
    for thing in things:
        try:
            done += await do(thing)
        except Exception as error:
            broken = error
    if broken is not None:
        raise broken
    return done
