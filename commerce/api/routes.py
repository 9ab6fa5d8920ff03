"""The form of the route table: what a route takes, gives and demands, said once.

`front.py` obeys it, `openapi.py` publishes it, the tests walk it.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from msgspec import Struct

Handler: TypeAlias = Callable[..., Awaitable[Any]]


def says(handler: Handler) -> str:
    """The first sentence of a handler's docstring."""
    text = " ".join((handler.__doc__ or "").split())
    return text.split(". ")[0].rstrip(".:")


class Access(enum.Enum):
    """Who may ask. A token that does not hold is a 401 everywhere, also where none is needed."""

    ANYONE = "anyone"
    SOMEONE = "buyer or staff"
    BUYER = "buyer"
    STAFF = "staff"
    MERCHANT = "merchant or operator"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    `handle(ask)` or, with `takes`, `handle(ask, body)` answers a struct of type `gives`, None
    (204), or a ready response where `streams`. `cost` is what it takes from the rate limit.
    """

    method: str
    path: str
    handle: Handler
    says: str
    access: Access = Access.ANYONE
    takes: type[Struct] | None = None
    query: type[Struct] | None = None
    gives: type[Struct] | None = None
    status: int = 200
    keyed: bool = False  # demands an Idempotency-Key
    keyable: bool = False  # takes one
    media: str = ""  # what the handler's own response is, where that is no JSON
    raw: bool = False  # the handler reads the bytes of the body itself
    streams: bool = False
    hot: bool = False  # asked for by the thousand: looked for before the others
    cost: float = 1.0
    problems: tuple[str, ...] = ()

    @property
    def takes_key(self) -> bool:
        return self.keyed or self.keyable

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))
