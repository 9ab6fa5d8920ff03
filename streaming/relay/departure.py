"""A relay on its way out: nobody new, and its viewers leave evenly for the relays that stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from ..domain.drain import Drain
from ..rtc.session import Session

RELAY_DRAINS: Final = "the relay drains"

_log = structlog.get_logger(__name__)


class Draining(Exception):
    """The relay is about to go away and takes nobody new (HTTP 503)."""


class Departure:
    """Whether the relay drains, and how far it got."""

    def __init__(self, now: Callable[[], float], watching: Callable[[], list[Session]]) -> None:
        """`watching`: the sessions of viewers; other relays stay to the end, they need the program."""
        self._now, self._watching = now, watching
        self._drain: Drain | None = None
        self._looked_s = 0.0

    @property
    def begun(self) -> bool:
        """The registry says so, and the shop seats nobody here any more."""
        return self._drain is not None

    @property
    def done(self) -> bool:
        """Whether everybody who had to go is gone."""
        return self.begun and not self._watching()

    def begin(self, seconds: float) -> None:
        """Take nobody new, and let who watches go within `seconds`."""
        if self._drain is None:
            self._looked_s = self._now()
            self._drain = Drain(self._looked_s, seconds)
            _log.info("draining", viewers=len(self._watching()), seconds=seconds)

    def refuse(self) -> None:
        """Raises Draining once it has begun."""
        if self.begun:
            raise Draining

    def tick(self, now: float) -> None:
        """Let go whose turn it is."""
        if self._drain is None:
            return
        watching = self._watching()
        for session in watching[: self._drain.leaving(len(watching), now - self._looked_s, now)]:
            session.end(RELAY_DRAINS)
        self._looked_s = now
