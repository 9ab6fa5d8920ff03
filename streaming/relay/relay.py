"""The relay: who publishes, what is on air, who watches.

It joins sessions to feeds and viewers; what is on air is `shows.py`. It knows no HTTP and no Redis:
the fronts call its methods.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from dataclasses import replace
from typing import Final

import structlog

from ..contract import Codec, RelayId, ShowId, StudioId
from ..fanout import Fanout
from ..rtc.answers import Local, Terms, ViewerSsrcs, agree, answer_publisher, answer_viewer, candidate_lines
from ..rtc.dtls import Certificate
from ..rtc.echo import Echo
from ..rtc.port import Port
from ..rtc.sdp import IceCredentials, Offer
from ..rtc.session import Session
from ..rtc.turnstile import Turnstile
from .calls import Calls
from .clock import Clock
from .counters import Counters
from .departure import Departure
from .draws import draw_ssrcs, draw_starts
from .feed import Feed
from .figures import Attendance, Limits, Totals
from .giving import GIVEN_NO_MORE, Asker, Giving
from .heart import Heart
from .program import Program
from .pulled import Incoming, Pulled
from .seated import Admission, Seated
from .shows import Shows
from .source import Source
from .telling import Telling
from .upstream import Upstreams
from .viewer import Viewer

GONE_MAX: Final = 4096
PAIRING_REVOKED: Final = "the pairing of its studio was revoked"
OTHER_CODEC: Final = "its show is sent in another codec"
NEWER_PUBLISHER: Final = "a newer publisher has taken this studio"

_log = structlog.get_logger(__name__)


class Unavailable(Exception):
    """The relay is at a limit (HTTP 503)."""


class OffAir(Exception):
    """The show has no program (HTTP 409)."""


class Relay:
    """All live things of one relay process."""

    def __init__(
        self,
        *,
        relay: RelayId,
        port: Port,
        fanout: Fanout,
        certificate: Certificate,
        addresses: tuple[tuple[str, int], ...],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self.id, self.limits, self.clock, self.fanout, self.port = relay, limits, clock, fanout, port
        self.feeds: dict[StudioId, Feed] = {}
        self.pulls: dict[ShowId, Pulled] = {}  # by show: two shows of one studio have a time each
        self.shows = Shows(
            relay,
            fanout,
            clock,
            self.feeds,
            self.pulls,
            dismiss=self._dismiss,
            take_back=self._take_back,
            send_away=self._send_away,
        )
        self.seated: dict[str, Seated] = {}
        self.gone: dict[str, str] = {}  # ended sessions and why; the oldest are forgotten first
        self.generations: dict[StudioId, int] = {}  # of pairings that were raised; older tokens are void
        self.totals, self.attendance = Totals(), Attendance()
        self.turnstile = Turnstile(clock.now)
        self.giving = Giving(self.feeds, self.shows, clock.now)
        self.shows.expected = self.giving.expects
        self.counters, self.heart, self.calls = Counters(self), Heart(self), Calls(self)
        self.telling = Telling()
        self.departure = Departure(clock.now, self._watching, self.telling.ask_to_reconnect)
        self.tcp_addresses: tuple[tuple[str, int], ...] = ()  # where TCP is accepted too
        self._certificate, self._addresses = certificate, addresses
        self._random = random.Random(secrets.randbits(128))

    # -- peers -------------------------------------------------------------------------------------

    def publish(self, studio: StudioId, offer: Offer, generation: int = 0) -> Admission:
        """Admit a publisher; raises SdpError, NoCommonCodec, Unavailable, Draining."""
        self.departure.refuse()
        self._check_limits(self.attendance.publishers - self.calls.open, self.limits.publishers)
        codec = self.shows.codec_of(studio)
        terms = agree(offer, codec, peer_sends=True)
        feed = Feed(
            studio,
            codec,
            terms,
            self.fanout,
            ssrc=self._random.getrandbits(32),
            became_ready=self._feed_ready,
            became_gone=self._feed_gone,
        )
        local = self.local()
        self.totals.published += 1
        admission = self._seat(terms, feed, studio, local, answer_publisher(offer, terms, local, codec))
        self.seated[admission.session].generation = generation
        return admission

    def is_revoked(self, studio: StudioId, generation: int) -> bool:
        """Whether a token of this generation proves nothing any more."""
        return generation < self.generations.get(studio, 0)

    def raise_generation(self, studio: StudioId, generation: int) -> None:
        """The studio's pairing is of this generation now: who came by an older token is sent away."""
        if generation <= self.generations.get(studio, 0):
            return
        self.generations[studio] = generation
        for seated in list(self.seated.values()):
            own = isinstance(seated.peer, Feed) and not seated.peer.pulled and seated.place == studio
            if own and seated.generation < generation:
                seated.session.end(PAIRING_REVOKED)

    def watch(self, show: ShowId, offer: Offer, *, asker: Asker | None = None) -> Admission:
        """Admit a viewer, or another relay. Raises SdpError, NoCommonCodec, OffAir, Unavailable, Draining.

        A draining relay goes on giving to other relays: they need the program for those who leave here.
        """
        self.departure.refuse(relay=asker is not None)
        program = self.shows.programs.get(show)
        if asker is not None:
            return self._give(show, program, offer, asker)
        if program is None or not self.giving.may_show(program):
            raise OffAir(show)
        return self.seat_viewer(program, offer, self.local(), self.draw_ssrcs())

    def _give(self, show: ShowId, program: Program | None, offer: Offer, asker: Asker) -> Admission:
        """Admit another relay for one rendition."""
        steps = None if program is None else self.giving.steps(program, asker.relay)
        renditions = () if program is None else program.offered()
        pin = next((r for r in renditions if asker.rendition in (None, r)), None)
        if program is None or steps is None or pin is None:
            raise OffAir(show)
        admission = self.seat_viewer(program, offer, self.local(), self.draw_ssrcs(), pin=pin)
        return replace(admission, steps=steps, renditions=renditions)

    def seat_viewer(
        self,
        program: Program,
        offer: Offer,
        local: Local,
        ssrcs: ViewerSsrcs,
        *,
        name: str = "",
        pin: str | None = None,
    ) -> Admission:
        """Seat who was let in. Raises SdpError, NoCommonCodec, Unavailable."""
        self._check_limits(self.attendance.viewers, self.limits.viewers)
        terms = agree(offer, program.codec, peer_sends=False)
        viewer = Viewer(
            program=program,
            terms=terms,
            ssrcs=ssrcs,
            starts=draw_starts(self._random),
            pin=pin,
            fanout=self.fanout,
            clock=self.clock,
            later=asyncio.get_running_loop().call_later,
            became_gone=self._viewer_gone,
        )
        self.totals.watched += 1
        answer = answer_viewer(offer, terms, local, program.codec, ssrcs)
        admission = self._seat(terms, viewer, program.show, local, answer, name=name)
        if pin is None:
            session = self.seated[admission.session].session
            session.echo = Echo(local.ice, terms.remote_ice, self.clock.now, viewer.path_seen)
        lines = [n for n, s in enumerate(offer.sections) if terms.video and s.mid == terms.video.mid]
        self.seated[admission.session].video_line = lines[0] if lines else 0
        return admission

    def draw_ssrcs(self) -> ViewerSsrcs:
        """Sources for one more viewer."""
        return draw_ssrcs(self._random)

    def _watching(self) -> list[Session]:
        return [s.session for s in self.seated.values() if isinstance(s.peer, Viewer) and not s.peer.relay]

    # -- other relays ------------------------------------------------------------------------------

    @property
    def upstreams(self) -> Upstreams | None:
        """What is pulled from other relays, where that is possible."""
        return self.giving.upstreams

    def expect(self, show: ShowId, studio: StudioId, codec: Codec, names: tuple[str, ...]) -> Pulled:
        """A show's feed that is to be pulled in these renditions."""
        return Pulled(show, studio, codec, names, became_ready=self._pull_ready, became_gone=self._pull_gone)

    def seat_part(self, pulled: Pulled, name: str, terms: Terms, local: Local) -> Session:
        """The session of one rendition that we asked for ourselves."""
        part = Feed(
            pulled.studio,
            pulled.codec,
            terms,
            self.fanout,
            ssrc=self._random.getrandbits(32),
            pulled=True,
            rid=name,
            became_ready=lambda feed: pulled.part_ready(name, feed),
            became_gone=lambda feed, reason: pulled.part_gone(name, feed, reason),
        )
        return self.seated[self._seat(terms, part, pulled.studio, local, "").session].session

    def _check_limits(self, seated: int, limit: int) -> None:
        if seated >= limit:
            raise Unavailable("the relay has no room")
        if self.attendance.half_open >= self.limits.half_open:
            raise Unavailable("too many are joining just now")

    def local(self) -> Local:
        """Fresh credentials, our certificate, our addresses."""
        fingerprints = self._certificate.fingerprints()
        number = self._random.getrandbits(62)
        return Local(self._credentials(), fingerprints, self._addresses, number, self.tcp_addresses)

    @staticmethod
    def _credentials() -> IceCredentials:
        return IceCredentials(secrets.token_hex(6), secrets.token_hex(16))

    def _seat(
        self, terms: Terms, peer: Feed | Viewer, place: str, local: Local, answer: str, *, name: str = ""
    ) -> Admission:
        now = self.clock.now()
        name, etag = name or secrets.token_urlsafe(24), secrets.token_hex(8)
        session = Session(
            ice=local.ice,
            remote_ice=terms.remote_ice,
            peer=peer,
            certificate=self._certificate,
            role="client" if terms.role == "client" else "server",
            remote_fingerprints=terms.remote_fingerprints,
            send=self.port.send,
            turn=self.turnstile.enter,
            arrived=self._arrived,
            forget=self._forget,
            born_s=now,
        )
        first = terms.video or terms.audio
        self.seated[name] = Seated(name, etag, session, peer, place, first.mid if first else "0")
        session.name = name
        self.attendance.come(name, publishes=isinstance(peer, Feed))
        self.port.add(session)
        return Admission(name, etag, answer)

    def restart(self, seated: Seated, theirs: IceCredentials) -> IceCredentials:
        """An ICE restart (RFC 9725 section 4.3.3): new credentials beside the old, a new ETag."""
        ours = self._credentials()
        seated.session.restart(ours, theirs)
        self.port.add(seated.session)
        seated.etag = secrets.token_hex(8)
        return ours

    def candidates(self) -> list[str]:
        """Our candidates, as a fragment names them."""
        return candidate_lines(self.local())

    def _arrived(self, session: Session) -> None:
        self.port.acquaint(session)
        self.attendance.connect(session.name)

    def _forget(self, session: Session) -> None:
        self.port.remove(session)
        self.calls.forget(session)
        self.telling.forget(session.name)
        seated = self.seated.pop(session.name, None)
        if seated is not None:
            self.attendance.go(session.name, publishes=isinstance(seated.peer, Feed))
            self.gone[session.name] = session.reason
            if len(self.gone) > GONE_MAX:
                del self.gone[next(iter(self.gone))]

    @property
    def incoming(self) -> list[Incoming]:
        """All that comes in, from studios and from other relays."""
        return [*self.feeds.values(), *self.pulls.values()]

    def _pull_ready(self, pulled: Pulled) -> None:
        """Another relay's media can flow: the newest call for a show is what it is cut from next."""
        self.pulls[pulled.show] = pulled
        self.shows.feed_came()
        _log.info("pull_ready", show=pulled.show, studio=pulled.studio, feed=pulled.number)

    def _pull_gone(self, pulled: Pulled, reason: str) -> None:
        self._count_end(reason)
        _log.info("pull_gone", show=pulled.show, feed=pulled.number, reason=reason)
        if self.pulls.get(pulled.show) is pulled:
            del self.pulls[pulled.show]
        self.shows.feed_gone(pulled)

    def _feed_ready(self, feed: Feed) -> None:
        """A publisher's media can flow: the newest of a studio wins."""
        old = self.feeds.get(feed.studio)
        if old is not None and old.number > feed.number:
            self._end_sessions(feed, NEWER_PUBLISHER)
            return
        self.feeds[feed.studio] = feed
        self.shows.feed_came()
        if old is not None:
            self._end_sessions(old, NEWER_PUBLISHER)
        _log.info("feed_ready", studio=feed.studio, feed=feed.number)

    def _dismiss(self, program: Program) -> None:
        for seated in [s for s in self.seated.values() if s.peer in program.viewers]:
            seated.session.end("the show went off air")

    def _take_back(self, program: Program) -> None:
        for seated in [s for s in self.seated.values() if s.relays and s.show == program.show]:
            seated.session.end(GIVEN_NO_MORE)

    def _send_away(self, feed: Source) -> None:
        known = self.feeds.get(feed.studio) if feed.studio is not None else None
        if known is feed and known is not None:  # a pull is ended by who began it
            self._end_sessions(known, OTHER_CODEC)

    def _sessions_of(self, feed: Incoming) -> list[Session]:
        peers = list(feed.parts.values()) if isinstance(feed, Pulled) else [feed]
        return [seated.session for seated in self.seated.values() if seated.peer in peers]

    def _end_sessions(self, feed: Incoming, reason: str) -> None:
        for session in self._sessions_of(feed):
            session.end(reason)

    def break_off(self, feed: Incoming, broken: Exception) -> None:
        """A fault of ours met this publisher; nobody else's session ends."""
        for session in self._sessions_of(feed):
            session.broke(broken)

    def _feed_gone(self, feed: Feed, reason: str) -> None:
        self._count_end(reason)
        _log.info("feed_gone", studio=feed.studio, feed=feed.number, reason=reason)
        if self.feeds.get(feed.studio) is feed:
            del self.feeds[feed.studio]
        self.shows.feed_gone(feed)

    def _viewer_gone(self, viewer: Viewer, reason: str) -> None:
        self._count_end(reason)

    def _count_end(self, reason: str) -> None:
        self.totals.ended[reason] = self.totals.ended.get(reason, 0) + 1

    def end(self) -> None:
        """Say goodbye to everybody."""
        for seated in list(self.seated.values()):
            seated.session.end("the relay ends")
