"""Sessions that this relay opens to other relays, each through a port of its own.

Knows sessions and addresses. Whom to call and why is `upstream.py`'s matter.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from ..contract import Codec, ShowId, StudioId
from ..rtc.answers import Local, Terms
from ..rtc.dial import Dial
from ..rtc.outlet import Outlet
from ..rtc.session import Session
from .pulled import Pulled

if TYPE_CHECKING:
    from .relay import Relay

CALLED_MAX: Final = 4  # addresses of another relay that are tried
GOODBYE_SECONDS: Final = 0.5  # for close_notify to leave

_log = structlog.get_logger(__name__)


class Calls:
    """All of one relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._outlets: dict[Session, list[Outlet]] = {}
        self._leaving: list[Outlet] = []

    def local(self) -> Local:
        """Fresh credentials, our certificate, our addresses."""
        return self._relay.local()

    def expect(self, show: ShowId, studio: StudioId, codec: Codec, names: tuple[str, ...]) -> Pulled:
        """A show's feed that is to be pulled in these renditions."""
        return self._relay.expect(show, studio, codec, names)

    def shown(self, pulled: Pulled) -> bool:
        """Whether it is on air here."""
        program = self._relay.shows.programs.get(pulled.show)
        return program is not None and program.shows(pulled)

    def rename(self, pulled: Pulled, studio: StudioId) -> None:
        """The other relay cuts to another studio of its own: the same sessions bring that one now."""
        pulled.studio = studio
        self._relay.shows.feed_renamed(pulled)

    def call(
        self, pulled: Pulled, name: str, local: Local, terms: Terms, addresses: list[tuple[str, int]]
    ) -> Session:
        """Open a session to another relay; its media becomes this rendition of the pulled feed."""
        session = self._relay.seat_part(pulled, name, terms, local)
        session.dial = Dial(local.ice, terms.remote_ice)
        self._outlets[session] = self._open(addresses[:CALLED_MAX])
        self.redial(session)
        return session

    @property
    def open(self) -> int:
        """How many there are now."""
        return len(self._outlets)

    def _open(self, addresses: list[tuple[str, int]]) -> list[Outlet]:
        outlets = []
        for address in addresses:
            try:
                outlets.append(Outlet(self._relay.port.home, address))
            except OSError as refused:  # of another family, or no road there: another may be good
                _log.warning("no_way_to", host=address[0], why=str(refused))
        return outlets

    def redial(self, session: Session) -> None:
        """Send one more check to each address."""
        for outlet in self._outlets.get(session, ()):
            self._relay.port.call(session, outlet.address)

    def forget(self, session: Session) -> None:
        """It ended; its ways out are closed when our goodbye has left."""
        outlets = self._outlets.pop(session, [])
        if outlets:
            self._leaving += outlets
            asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self._close, outlets)

    def _close(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            outlet.close()
            if outlet in self._leaving:
                self._leaving.remove(outlet)

    def close(self) -> None:
        """The relay ends; sessions have ended before."""
        self._close(list(self._leaving))
