"""One request as handlers see it: who asks, with which key and trace, of which house.

`House` is everything a front process works with, made once at the start by `house.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from commerce.api.problems import Problem
from commerce.live.sessions import Holder

if TYPE_CHECKING:
    from commerce.api.house import House


@dataclass(slots=True)
class Ask:
    """A request that has passed the gate. `key` is the caller's Idempotency-Key, `now_ms` Unix time."""

    request: web.Request
    house: House
    holder: Holder | None
    token: str | None
    trace: str
    now_ms: int
    key: str = ""
    query: Any = None
    raw: bytes = b""  # the body as it came, where the route takes one

    @property
    def who(self) -> Holder:
        """The caller, where the route demands one."""
        if self.holder is None:
            raise Problem("NotSignedIn")
        return self.holder

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return self.request.match_info[name]

    def may_act_for(self, merchant: str) -> bool:
        """Whether the caller belongs to the merchant, or runs the house."""
        holder = self.who
        if holder.kind != "staff":
            return False
        return holder.role == "operator" or holder.merchant == merchant

    def demand_merchant(self, merchant: str) -> None:
        """Raise Forbidden unless the caller may act for the merchant."""
        if not self.may_act_for(merchant):
            raise Problem("Forbidden")
