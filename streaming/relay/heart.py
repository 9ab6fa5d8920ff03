"""What time brings to a relay: one task for all timers, and a look after each batch of datagrams.

It beats quickly while something is missing or a slate plays, else slowly: to wake up from idle
costs more than what is done then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from .pulled import Incoming

if TYPE_CHECKING:
    from .relay import Relay

QUICK_SECONDS: Final = 0.02
QUIET_SECONDS: Final = 0.1  # a studio's silence is seen so much later
STALLED_SECONDS: Final = 0.5  # between two beats: the process was stopped, or starved

_log = structlog.get_logger(__name__)


class Heart:
    """Keeps time for one relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._second_s = 0.0
        self._beat_s: float | None = None

    def notice(self, now: float) -> None:
        """Before anything is read: whether we stood still, and what waits there is of before."""
        if self._beat_s is not None and now - self._beat_s > STALLED_SECONDS:
            self._relay.shows.awake(now)
            self._beat_s = now

    def flush(self) -> None:
        """After each batch of datagrams: hand on what programs gathered, ask for what is missing."""
        relay = self._relay
        relay.shows.flush()
        for feed in relay.incoming:
            if feed.restless:
                now = relay.clock.now()
                if now - feed.ticked_s >= QUICK_SECONDS:
                    feed.tick(now)

    async def beat(self) -> None:
        """The one task."""
        while True:
            await asyncio.sleep(QUICK_SECONDS if self._busy() else QUIET_SECONDS)
            try:
                self.tick(self._relay.clock.now())
            except Exception:  # one bad beat must not be the last
                _log.exception("beat_broke")

    def _busy(self) -> bool:
        return self._relay.shows.playing or any(feed.restless for feed in self._relay.incoming)

    def tick(self, now: float) -> None:
        """One beat."""
        relay = self._relay
        self.notice(now)
        self._beat_s = now
        for feed in relay.incoming:
            self._tick_feed(feed, now)
        relay.shows.tick(now)
        relay.departure.tick(now)
        relay.giving.keep()
        if now - self._second_s >= 1.0:
            self._second_s = now
            self.every_second(now)

    def _tick_feed(self, feed: Incoming, now: float) -> None:
        try:
            feed.tick(now)
        except Exception as broken:  # the others' time goes on
            self._relay.break_off(feed, broken)

    def every_second(self, now: float) -> None:
        """Who is silent for too long goes; reports leave; what was limited may try again."""
        relay = self._relay
        relay.port.sweep()
        for seated in list(relay.seated.values()):
            reason = seated.session.expired(now)
            if reason is not None:
                seated.session.end(reason)
        relay.shows.every_second(now)
        relay.telling.every_second(relay.shows.programs, now)
