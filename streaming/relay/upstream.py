"""Shows whose studio publishes to another relay: pulled from there once, for all viewers here.

Each rendition comes by a session of its own; the first brings the sound and holds the link.
A relay pulls from one to which the studio itself publishes; where that cannot be reached, from one
that pulls it there. Each answer says how far it stands from the studio, and what came over two steps
is not given on (`giving.py`). It knows the registry's entries and how to ask (WHEP); never a viewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp
import structlog

from ..contract import Codec, RelayEntry, RelayId, ShowId, Stage, StudioId
from ..rtc.answers import Local, Terms
from ..rtc.offers import pull_offer, read_answer
from ..rtc.sdp import SdpError
from ..rtc.session import Session
from .asking import STEPS_GIVEN_MAX, Asking
from .pulled import Pulled

LOOK_SECONDS: Final = 0.1
CHECK_SECONDS: Final = 0.05  # between checks until the path is open
CONSENT_SECONDS: Final = 2.0
CONNECT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 1.0  # without media: the other relay is gone, whatever the registry says
IDLE_SECONDS: Final = 30.0  # a show that nobody here watches is let go
AVOID_SECONDS: Final = 1.0  # a relay that just failed is asked last
AGAIN_SECONDS: Final = 0.3  # and not at all for so long
PATIENCE_SECONDS: Final = 0.5  # for an answer, where another relay could be asked
ENTRY_DEAD_MS: Final = 3_000
BUSY_LOAD: Final = 0.8  # nobody is sent on to a relay above it: two full ones would play ball
PART_SECONDS: Final = 3.0  # an old link is kept so long, while what comes in its place begins
STALLED_SECONDS: Final = 0.5  # between two looks: the process was stopped, or starved
LINKS_MAX: Final = 64
FAILURES: Final = (aiohttp.ClientError, TimeoutError, OSError, SdpError)

_log = structlog.get_logger(__name__)


class Caller(Protocol):
    """Who opens sessions for us."""

    def local(self) -> Local:
        """Fresh credentials, our certificate, our addresses."""

    def expect(self, show: ShowId, studio: StudioId, codec: Codec, names: tuple[str, ...]) -> Pulled:
        """A show's feed that is to be pulled in these renditions."""

    def call(
        self, pulled: Pulled, name: str, local: Local, terms: Terms, addresses: list[tuple[str, int]]
    ) -> Session:
        """Open a session to another relay; its media becomes this rendition of the pulled feed."""

    def redial(self, session: Session) -> None:
        """Send one more check to each address."""

    def shown(self, pulled: Pulled) -> bool:
        """Whether it is on air here."""

    def rename(self, pulled: Pulled, studio: StudioId) -> None:
        """The other relay cuts to another studio of its own: the same sessions bring that one now."""


@dataclass(slots=True, eq=False)
class Link:
    """One show pulled from one relay."""

    show: ShowId
    studio: StudioId
    codec: Codec
    source: RelayEntry
    task: asyncio.Task[None] | None = None
    began_s: float = 0.0
    parted_s: float = 0.0  # since when it is only kept until its picture is off air here
    feed: Pulled | None = None
    steps: int = 0  # from the studio to here, once it is known


class Upstreams:
    """All links of one relay; `run` is its one task."""

    def __init__(
        self,
        relay: RelayId,
        caller: Caller,
        now: Callable[[], float],
        unix_ms: Callable[[], int],
        token: Callable[[], str | None],
    ) -> None:
        """`token`: the shop's token of role `relay`, read anew for each call; None: pull nothing."""
        self.links: dict[ShowId, Link] = {}
        self.refused = 0
        self._parting: list[Link] = []  # their shows are taken from elsewhere by now
        self._relay, self._caller, self._now, self._unix_ms, self._token = relay, caller, now, unix_ms, token
        self._neighbours: dict[RelayId, RelayEntry] = {}
        self._read_ms = 0  # when that was
        self._wanted_s: dict[ShowId, float] = {}
        self._failed_s: dict[RelayId, float] = {}

    # -- what is known -----------------------------------------------------------------------------

    def neighbours(self, entries: Iterable[RelayEntry]) -> None:
        """The registry as it stands now. While it cannot be read, what it said last is believed: a relay
        that cannot be reached is found out by calling it, and no picture needs Redis."""
        self._read_ms = self._unix_ms()
        self._neighbours = {e.relay: e for e in entries if e.relay != self._relay}

    def want(self, show: ShowId) -> None:
        """Somebody here would watch this show."""
        self._wanted_s[show] = self._now()

    def source_of(self, studio: StudioId) -> RelayEntry | None:
        """A living relay that has the studio, rather itself than pulled; one that just failed comes last."""
        return min(
            [entry for entry in self._having(studio) if not self._failed(entry, AGAIN_SECONDS)],
            key=lambda e: (self._failed(e, AVOID_SECONDS), studio not in e.studios, e.load),
            default=None,
        )

    def _having(self, studio: StudioId) -> list[RelayEntry]:
        """The relays that have the studio, and lived when we last heard of them."""
        return [
            entry
            for entry in self._neighbours.values()
            if studio in (*entry.studios, *entry.pulled) and self._read_ms - entry.seen_ms <= ENTRY_DEAD_MS
        ]

    def _failed(self, entry: RelayEntry, seconds: float) -> bool:
        """Whether it failed us within so many seconds."""
        return self._now() - self._failed_s.get(entry.relay, -seconds) < seconds

    def steps(self, show: ShowId, asker: RelayId) -> int | None:
        """How far we are from the studio of a show that we pull, if `asker` may have it from us."""
        link = self.links.get(show)
        if link is None or link.feed is None or not link.feed.connected or link.source.relay == asker:
            return None
        return link.steps if link.steps <= STEPS_GIVEN_MAX else None

    def expects(self, show: ShowId, studio: StudioId) -> bool:
        """Whether a show that is watched here may be here in a moment: it is being pulled, or can be.

        A refusal says nothing against it: a relay gives nothing until it has cut to the studio itself.
        """
        return show in self._wanted_s and (show in self.links or bool(self._having(studio)))

    def at_first_hand(self) -> tuple[StudioId, ...]:
        """Studios that come from the relay to which they publish: these can be given on."""
        return tuple(
            link.studio
            for link in self.links.values()
            if link.feed is not None and link.feed.connected and link.steps <= STEPS_GIVEN_MAX
        )

    def others(self) -> list[RelayEntry]:
        """The relays that live and take viewers, the least loaded first."""
        unix_ms = self._unix_ms()
        found = [
            entry
            for entry in self._neighbours.values()
            if not entry.draining and unix_ms - entry.seen_ms <= ENTRY_DEAD_MS
        ]
        return sorted(found, key=lambda entry: entry.load)

    def elsewhere(self) -> str | None:
        """Where to send who cannot stay here: the base address of a relay with room, or None."""
        return next((entry.url.rstrip("/") for entry in self.others() if entry.load < BUSY_LOAD), None)

    # -- the task ----------------------------------------------------------------------------------

    async def run(self, stages: Callable[[], Iterable[Stage]], has: Callable[[StudioId], bool]) -> None:
        """Until cancelled. `stages`: what the shop wants; `has`: whether the studio publishes to us."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CONNECT_SECONDS)) as http:
            try:
                while True:
                    try:
                        self._look({s.show: s for s in stages()}, has, http)
                    except Exception:  # one bad look must not be the last
                        _log.exception("look_broke")
                    await asyncio.sleep(LOOK_SECONDS)
            finally:
                for link in [*self.links.values(), *self._parting]:
                    self._end(link)

    def _look(
        self, stages: dict[ShowId, Stage], has: Callable[[StudioId], bool], http: aiohttp.ClientSession
    ) -> None:
        now = self._now()
        for show, wanted_s in list(self._wanted_s.items()):
            if now - wanted_s > IDLE_SECONDS:
                del self._wanted_s[show]
        for link in list(self.links.values()):
            stage = stages.get(link.show)
            codec = stage.codec if stage is not None and stage.on_air else None
            studio = None if stage is None else stage.studio
            if studio is None or codec != link.codec or link.show not in self._wanted_s:
                self._end(link)
            elif studio != link.studio or has(studio):
                self._turn(link, studio, here=has(studio))
            elif link.feed is None and now - link.began_s > PATIENCE_SECONDS:
                self._look_past(link)
        for show in self._wanted_s:
            stage = stages.get(show)
            if show in self.links or stage is None or not stage.on_air or len(self.links) >= LINKS_MAX:
                continue
            source = None if stage.studio is None or has(stage.studio) else self.source_of(stage.studio)
            if source is not None and stage.studio is not None:
                link = self.links[show] = Link(show, stage.studio, stage.codec, source, began_s=now)
                link.task = asyncio.create_task(self._keep(link, http))

        for link in list(self._parting):
            shown = link.feed is not None and self._caller.shown(link.feed)
            if not shown or now - link.parted_s > PART_SECONDS:
                self._end(link)

    def _turn(self, link: Link, studio: StudioId, *, here: bool) -> None:
        """The show is to be seen from another studio, or from this very relay: no slate in between."""
        source = self._neighbours.get(link.source.relay)
        if link.feed is None or not link.feed.connected or not (here or self._having(studio)):
            self._end(link)
        elif not here and source is not None and studio in source.studios:
            link.studio = studio
            self._caller.rename(link.feed, studio)
        else:
            del self.links[link.show]
            link.parted_s = self._now()
            self._parting.append(link)

    def _look_past(self, link: Link) -> None:
        """Who does not answer gives way to a relay that might."""
        self._failed_s[link.source.relay] = self._now()
        other = self.source_of(link.studio)
        if other is not None and not self._failed(other, AVOID_SECONDS):
            self._end(link)

    def _end(self, link: Link) -> None:
        self._drop(link)
        if link.task is not None:
            link.task.cancel()

    def _drop(self, link: Link) -> None:
        if self.links.get(link.show) is link:
            del self.links[link.show]
        if link in self._parting:
            self._parting.remove(link)

    async def _keep(self, link: Link, http: aiohttp.ClientSession) -> None:
        """One link from the call to its end."""
        beside: list[asyncio.Task[None]] = []
        try:
            token = await asyncio.to_thread(self._token)
            if token is None:
                self.refused += 1
                await asyncio.sleep(AVOID_SECONDS)
                return
            asking = Asking(http, token, self._relay)
            async with self._session(link, asking, None) as (session, feed):
                await self._connect(session)
                _log.info("pulling", show=link.show, source=link.source.relay, renditions=feed.names)
                beside += [
                    asyncio.create_task(self._keep_beside(link, asking, name)) for name in feed.names[1:]
                ]
                connected_s = self._now()
                await self._hold(session, lambda: max(connected_s, feed.media_s or 0.0))
                if self._now() - connected_s < AVOID_SECONDS:  # else it has something new to give
                    raise ConnectionError("the other relay took it back at once")
        except Exception as failed:  # whatever it was, the next look tries again
            self._note(link, failed)
            self._failed_s[link.source.relay] = self._now()
        finally:
            self._drop(link)
            for task in beside:
                task.cancel()

    async def _keep_beside(self, link: Link, asking: Asking, name: str) -> None:
        """One more rendition of a link, for as long as that lives."""
        while True:
            try:
                async with self._session(link, asking, name) as (session, _):
                    await self._connect(session)
                    await self._hold(session, self._now)  # a rendition may rest
            except Exception as failed:  # the other sizes go on, and this one is asked for again
                self._note(link, failed)
            await asyncio.sleep(AVOID_SECONDS)

    def _note(self, link: Link, failed: Exception) -> None:
        self.refused += 1
        foreseen = isinstance(failed, FAILURES)
        why = str(failed) if foreseen else repr(failed)
        _log.warning("pull_failed", show=link.show, source=link.source.relay, why=why, foreseen=foreseen)

    @asynccontextmanager
    async def _session(
        self, link: Link, asking: Asking, name: str | None
    ) -> AsyncIterator[tuple[Session, Pulled]]:
        """A session for a rendition, or for the first, which says what others there are."""
        local = self._caller.local()
        offer = pull_offer(local, link.codec, sound=name is None)
        given = await asking.ask(link.source, link.show, offer, name)
        session: Session | None = None
        try:
            terms, addresses = read_answer(given.answer, link.codec)
            if link.feed is None:
                link.steps = given.steps
                link.feed = self._caller.expect(link.show, link.studio, link.codec, given.names)
            wanted = link.feed.names[0] if name is None else name
            session = self._caller.call(link.feed, wanted, local, terms, addresses)
            yield session, link.feed
        finally:
            if session is not None:
                session.end("the pull ended")
            await asking.leave(given.resource)

    async def _connect(self, session: Session) -> None:
        """Until the path is open. Raises TimeoutError."""
        began_s = self._now()
        while not session.connected and not session.reason:
            if self._now() - began_s > CONNECT_SECONDS:
                raise TimeoutError("the other relay does not answer")
            self._caller.redial(session)
            await asyncio.sleep(CHECK_SECONDS)
        if not session.connected:
            raise ConnectionError(session.reason)

    async def _hold(self, session: Session, heard_s: Callable[[], float]) -> None:
        """Until the session ends. Raises TimeoutError when nothing was heard for too long."""
        checked_s = looked_s = awake_s = self._now()
        while not session.reason:
            now = self._now()
            awake_s = now if now - looked_s > STALLED_SECONDS else awake_s  # it was we who stood still
            looked_s = now
            if now - checked_s >= CONSENT_SECONDS:
                checked_s = now
                self._caller.redial(session)
            if now - max(heard_s(), awake_s) > SILENT_SECONDS:
                raise TimeoutError("the other relay is silent")
            await asyncio.sleep(CHECK_SECONDS)
