"""Counter-offers to players whose own offer lacked the show's codec (draft-ietf-wish-whep-04, 406).

One waits for its answer half a minute; the oldest gives way when too many wait.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..rtc.answers import Local, ViewerSsrcs
from ..rtc.offers import counter_offer
from ..rtc.sdp import Offer
from .program import Program

VALID_SECONDS: Final = 30.0
WAITING_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class Counter:
    """What we offered, and for which show."""

    program: Program
    local: Local
    ssrcs: ViewerSsrcs
    made_s: float


class Host(Protocol):
    """The relay, as this room needs it."""

    def local(self) -> Local:
        """Fresh credentials, our certificate, our addresses."""

    def draw_ssrcs(self) -> ViewerSsrcs:
        """Sources for one more viewer."""

    def seat_viewer(
        self, program: Program, offer: Offer, local: Local, ssrcs: ViewerSsrcs, *, name: str = ""
    ) -> Any:
        """Seat who was let in."""


class Counters:
    """Offers of ours that were not answered yet, by the name of the session to be."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[str, Counter] = {}

    def offer(self, program: Program, now: float) -> tuple[str, str]:
        """The name of the session to be, and what we would send in it."""
        local, ssrcs, name = self._host.local(), self._host.draw_ssrcs(), secrets.token_urlsafe(24)
        if len(self._waiting) == WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[name] = Counter(program, local, ssrcs, now)
        return name, counter_offer(local, program.codec, ssrcs)

    def find(self, name: str, show: str, now: float) -> Counter | None:
        """The offer of that name, while it is valid."""
        counter = self._waiting.get(name)
        if counter is None or counter.program.show != show or now - counter.made_s > VALID_SECONDS:
            return None
        return counter

    def accept(self, name: str, counter: Counter, answer: Offer) -> None:
        """The player's answer. Raises SdpError, NoCommonCodec, Unavailable: then the offer stands."""
        self._host.seat_viewer(counter.program, answer, counter.local, counter.ssrcs, name=name)
        del self._waiting[name]
