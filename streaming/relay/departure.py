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

    def __init__(
        self,
        now: Callable[[], float],
        watching: Callable[[], list[Session]],
        ask_to_reconnect: Callable[[Session], bool],
    ) -> None:
        """`watching`: the sessions of viewers; other relays stay to the end, they need the program."""
        self._now, self._watching, self._ask_to_reconnect = now, watching, ask_to_reconnect
        self._asked: set[str] = set()
        self._drain: Drain | None = None
        self._final = self.closed = False
        self._looked_s = 0.0

    @property
    def begun(self) -> bool:
        """The registry says so, and the shop seats nobody here any more."""
        return self._drain is not None

    @property
    def done(self) -> bool:
        """Whether everybody who had to go is gone."""
        return self.begun and not self._watching()

    def begin(self, seconds: float, *, final: bool = False) -> None:
        """Take nobody new, and let who watches go within `seconds`. `final`: the process ends."""
        self._final = self._final or final
        if self._drain is None:
            self._looked_s = self._now()
            self._drain = Drain(self._looked_s, seconds)
            _log.info("draining", viewers=len(self._watching()), seconds=seconds)

    def cancel(self) -> bool:
        """Take viewers again, as if it had never begun; False when the process is about to end."""
        if self._final:
            return False
        self._drain = None
        self._asked.clear()
        _log.info("draining_cancelled", viewers=len(self._watching()))
        return True

    def close(self) -> None:
        """The process ends now: nobody at all is taken, for nobody would be told of the end."""
        self.closed = True

    def refuse(self, *, relay: bool = False) -> None:
        """Raises Draining once it has begun; other relays are taken to the end."""
        if self.closed or (self.begun and not relay):
            raise Draining

    def tick(self, now: float) -> None:
        """Ask whose turn it is to reconnect, or let them go where they cannot be asked."""
        if self._drain is None:
            return
        over = self._drain.over(now)
        here = [session for session in self._watching() if over or session.name not in self._asked]
        for session in here[: self._drain.leaving(len(here), now - self._looked_s, now)]:
            if not over and self._ask_to_reconnect(session):
                self._asked.add(session.name)
            else:
                session.end(RELAY_DRAINS)
        self._looked_s = now
