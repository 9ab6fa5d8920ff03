"""Whom this relay may give a show to, and how far it stands from the studio itself.

Steps: 0 where the studio publishes, 1 where it is pulled from there, 2 where it is pulled from such a
one, and no further. A relay at step 2 gives nothing, and whoever loses its source sends the relays
away that it gave to: so no path of relays ever closes to a ring. Knows no session and no HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..contract import RelayId, ShowId, StudioId
from .feed import Feed
from .program import Program
from .shows import Shows
from .upstream import Upstreams

GIVEN_NO_MORE: Final = "there is no studio here to give on"


class Asker(NamedTuple):
    """Another relay, and the rendition that it asks for; None: the largest, with the sound."""

    relay: RelayId
    rendition: str | None = None


class Giving:
    """What one relay has at hand for others and for its own viewers."""

    def __init__(self, feeds: Mapping[StudioId, Feed], shows: Shows, now: Callable[[], float]) -> None:
        self._feeds, self._shows, self._now = feeds, shows, now
        self.upstreams: Upstreams | None = None

    def publishes_here(self, studio: StudioId) -> bool:
        """Whether the studio itself sends to this relay."""
        return studio in self._feeds

    def studios(self) -> tuple[StudioId, ...]:
        """Those that publish here, and whose picture comes."""
        now = self._now()
        return tuple(s for s, feed in self._feeds.items() if not self._shows.is_silent(feed, now))

    def expects(self, show: ShowId, studio: StudioId) -> bool:
        """Whether a studio's picture may be here in a moment, pulled from another relay."""
        if self.upstreams is None or self.publishes_here(studio):
            return False
        return self.upstreams.expects(show, studio)

    def steps(self, program: Program, asker: RelayId) -> int | None:
        """How far we are from the studio, if `asker` may have the show from us. The slate is not given on,
        nor what is only on air until the studio's own picture begins: it may come from the asker itself."""
        studio = self._shows.stages[program.show].studio
        if studio is None or program.studio != studio:
            return None
        if not program.pulled:
            return 0
        return None if self.upstreams is None else self.upstreams.steps(program.show, asker)

    def may_show(self, program: Program) -> bool:
        """Whether a viewer can begin now; a show that another relay has is pulled from there first."""
        studio = self._shows.stages[program.show].studio
        if studio is not None and not self.publishes_here(studio) and self.upstreams is not None:
            self.upstreams.want(program.show)
            if not program.live and self.upstreams.source_of(studio) is not None:
                return False
        return program.started

    def keep(self) -> None:
        """Who is watched here, or pulled from here, is still wanted."""
        if self.upstreams is not None:
            for program in self._shows.programs.values():
                if program.viewers:
                    self.upstreams.want(program.show)
