"""The face of the fast twin of a desk's loops; `native.py` alone looks at it."""

from collections.abc import Callable, Sequence
from typing import Any

from commerce.live.envelope import Ask, Reply
from commerce.show.events import Event
from commerce.show.state import State

interface: int  # which build this is: native.py takes no other than its own

def learn(types: dict[str, type[Any]], /) -> None: ...
def place(state: State, ask: Ask[Any], now: int, events: list[Event], /) -> Reply | None: ...
def near(state: State, asks: Sequence[Ask[Any]], /) -> None: ...
def pack(events: tuple[Event, ...], schema: int, other: Callable[[Event], bytes], /) -> bytes: ...
