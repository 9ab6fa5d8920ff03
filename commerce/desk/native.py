"""The fast twins of a desk's two loops, where they were built; without them the readable ones serve.

`place` answers a new order of one line with nothing to object to, and None to whatever else, untouched:
propose.py then decides it. `near` reads beforehand what a letter's orders will be looked up in, and changes
nothing. `pack` makes the bytes that commerce.live.log makes of a commit's events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from commerce.live import log
from commerce.live.envelope import Ask, Reply
from commerce.show.commands import PlaceOrder
from commerce.show.events import SCHEMAS, CommandAccepted, Event, OrderPlaced
from commerce.show.language import Amounts
from commerce.show.state import Offer, Order, Outcome, Pool, State

Place: TypeAlias = Callable[[State, Ask[Any], int, list[Event]], Reply | None]
Near: TypeAlias = Callable[[State, Sequence[Ask[Any]]], None]

INTERFACE: Final = 2  # of _native.c; raised with every change of what it knows of the classes below
_KINDS: Final = (State, Offer, Pool, Order, OrderPlaced, CommandAccepted, Amounts, Outcome, Reply, PlaceOrder)


def place_nothing(state: State, ask: Ask[Any], now: int, events: list[Event]) -> Reply | None:
    """Where there is no twin nothing is quick."""
    return None


def nothing_near(state: State, asks: Sequence[Ask[Any]]) -> None:
    """Where there is no twin the lookups wait one after another."""


def _loaded() -> tuple[Place, Near, log.Pack, str]:
    try:
        from commerce.desk import _native  # noqa: PLC0415  may be missing: it is compiled where it can be

        if getattr(_native, "interface", 0) != INTERFACE:
            raise ImportError("it was built before it was changed: make setup")
        if SCHEMAS[OrderPlaced] != SCHEMAS[CommandAccepted]:
            raise ImportError("it writes one schema")
        _native.learn({kind.__name__: kind for kind in _KINDS})
    except (ImportError, TypeError, AttributeError) as reason:
        return place_nothing, nothing_near, log.pack_all, str(reason)
    schema = SCHEMAS[OrderPlaced]
    return _native.place, _native.near, lambda events: _native.pack(events, schema, log.pack_one), ""


place, near, pack, no_twin = _loaded()  # and why there is none, for the process to tell once its log is open
