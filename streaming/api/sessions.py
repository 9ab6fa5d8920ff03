"""WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): one HTTP shape for both directions.

POST an offer to a studio or a show, get 201 with the answer and the session's own URL; PATCH and
DELETE that. It judges requests; what they do is the relay's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ..contract import RelayId, Role, ShowId, StudioId, TokenClaims
from ..relay.asking import RELAY_ID, RELAY_RENDITIONS, RELAY_STEPS, RENDITION
from ..relay.counters import Counter
from ..relay.departure import Draining
from ..relay.giving import Asker
from ..relay.relay import NEWER_PUBLISHER, PAIRING_REVOKED, OffAir, Relay, Unavailable
from ..relay.seated import Admission, Seated
from ..relay.telling import Told
from ..rtc.answers import NoCommonCodec
from ..rtc.fragments import FRAGMENT_BYTES_MAX, build_fragment, parse_fragment
from ..rtc.sdp import OFFER_BYTES_MAX, Offer, SdpError, parse_offer
from ..rtc.session import PEER_SAID_GOODBYE
from . import layers
from .events import link_of, open_stream, read_stream
from .ice import IceServers
from .problems import Problem
from .tokens import TokenKeys, TokenRefused

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
RETRY_AFTER_SECONDS: Final = "1"
WWW_AUTHENTICATE: Final = {"WWW-Authenticate": 'Bearer realm="relay"'}

RELAY: Final = web.AppKey("relay", Relay)
ICE_SERVERS: Final = web.AppKey("ice_servers", IceServers)
KEYS: Final = web.AppKey("keys", TokenKeys)


@dataclass(frozen=True, slots=True)
class Direction:
    """What differs between publishing and watching."""

    prefix: str
    roles: tuple[Role, ...]
    claimed: Callable[[TokenClaims], str | None]
    admit: Callable[[Relay, str, Offer, TokenClaims, Asker | None], Admission]


WHIP: Final = Direction(
    "whip",
    ("publish",),
    lambda c: c.studio,
    lambda relay, place, offer, claims, _: relay.publish(StudioId(place), offer, claims.generation),
)
WHEP: Final = Direction(
    "whep",
    ("view", "relay"),
    lambda c: c.show,
    lambda relay, place, offer, _, asker: relay.watch(ShowId(place), offer, asker=asker),
)


def session_routes(direction: Direction) -> list[web.RouteDef]:
    """The routes of one direction."""
    handlers = _Handlers(direction)
    place, session = f"/{direction.prefix}/{{place}}", f"/{direction.prefix}/{{place}}/{{session}}"
    events = [] if direction is WHIP else _event_routes(handlers, session)
    return [
        *events,
        web.post(place, handlers.post),
        web.options(place, handlers.options_of_place),
        web.get(place, handlers.nothing),
        web.patch(session, handlers.patch),
        web.delete(session, handlers.delete),
        web.options(session, handlers.options_of_session),
        web.get(session, handlers.nothing),
    ]


def _event_routes(handlers: _Handlers, session: str) -> list[web.RouteDef]:
    events, stream = f"{session}/events", f"{session}/events/{{stream}}"
    return [
        web.post(events, handlers.open_events),
        web.options(events, handlers.options_of_events),
        web.post(f"{session}/layer", handlers.choose_layer),
        web.options(f"{session}/layer", handlers.options_of_events),
        web.get(stream, handlers.read_events, allow_head=False),
        web.delete(stream, handlers.close_events),
        web.options(stream, handlers.options_of_events),
    ]


class _Handlers:
    def __init__(self, direction: Direction) -> None:
        self._direction = direction

    async def post(self, request: web.Request) -> web.Response:
        """Open a session."""
        place = request.match_info["place"]
        claims = self._authorise(request, place)
        text = await _body(request, SDP, OFFER_BYTES_MAX)
        relay = request.app[RELAY]
        _refuse_revoked(relay, claims)  # while the body was on its way, perhaps
        try:
            with _refusals():
                asker = _asker(request) if claims.role == "relay" else None
                admission = self._direction.admit(relay, place, parse_offer(text), claims, asker)
        except NoCommonCodec as refused:
            if claims.role == "view":
                return self._counter(relay, place)
            raise Problem(422, "no_common_codec", str(refused)) from None
        except Problem as refused:
            raise _sent_on(refused, request, claims) from None
        response = web.Response(
            status=201,
            text=admission.answer,
            content_type=SDP,
            headers={
                "Location": f"/{self._direction.prefix}/{place}/{admission.session}",
                "ETag": f'"{admission.etag}"',
                "Accept-Patch": FRAGMENT,
            },
        )
        if admission.steps is not None:
            response.headers[RELAY_STEPS] = str(admission.steps)
            response.headers[RELAY_RENDITIONS] = ",".join(admission.renditions)
        for link in request.app[ICE_SERVERS].links(admission.session[:8], int(time.time())):
            response.headers.add("Link", link)
        if self._direction is WHEP:
            response.headers.add("Link", link_of(response.headers["Location"]))
            response.headers.add("Link", layers.link_of(response.headers["Location"]))
        return response

    def _counter(self, relay: Relay, place: str) -> web.Response:
        """406 with an offer of ours, which the player answers by PATCH (draft-ietf-wish-whep-04)."""
        name, text = relay.counters.offer(relay.shows.programs[ShowId(place)], relay.clock.now())
        location = f"/{self._direction.prefix}/{place}/{name}"
        return web.Response(status=406, text=text, content_type=SDP, headers={"Location": location})

    async def _accept(self, request: web.Request, counter: Counter) -> web.Response:
        self._authorise(request, request.match_info["place"], expired_will_do=True)
        text = await _body(request, SDP, OFFER_BYTES_MAX)
        name, relay = request.match_info["session"], request.app[RELAY]
        if relay.counters.find(name, counter.program.show, relay.clock.now()) is not counter:
            raise Problem(409, "answered", "the offer was answered already, or is too old")
        try:
            with _refusals():
                if relay.shows.programs.get(counter.program.show) is not counter.program:
                    raise OffAir
                relay.departure.refuse()
                relay.counters.accept(name, counter, parse_offer(text))
        except NoCommonCodec as refused:
            raise Problem(422, "no_common_codec", str(refused)) from None
        return web.Response(status=204, headers={"ETag": f'"{relay.seated[name].etag}"'})

    async def patch(self, request: web.Request) -> web.Response:
        """Trickle (204) or ICE restart (200 with a new ETag); or the answer to an offer of ours (204)."""
        place, relay = request.match_info["place"], request.app[RELAY]
        counter = relay.counters.find(request.match_info["session"], place, relay.clock.now())
        if counter is not None and self._direction is WHEP:
            return await self._accept(request, counter)
        seated = self._seated(request)
        text = await _body(request, FRAGMENT, FRAGMENT_BYTES_MAX)
        try:
            fragment = parse_fragment(text)
        except SdpError as refused:
            raise Problem(400, "malformed_fragment", str(refused)) from None
        _check_match(request, seated)
        if fragment.ice is None or fragment.ice == seated.session.remote_ice:
            return web.Response(status=204)
        if "If-Match" not in request.headers:  # RFC 9725 section 4.3.1: a restart names what it restarts
            raise Problem(428, "if_match_needed", "an ICE restart needs If-Match")
        ours = relay.restart(seated, fragment.ice)
        body = build_fragment(ours, relay.candidates(), seated.mid)
        return web.Response(
            status=200, text=body, content_type=FRAGMENT, headers={"ETag": f'"{seated.etag}"'}
        )

    async def delete(self, request: web.Request) -> web.Response:
        """End a session. Some clients close their side first, and must not be scolded for it."""
        if self._why_gone(request) != PEER_SAID_GOODBYE:
            self._seated(request).session.end("the peer left")
        return web.Response(status=200)

    async def options_of_place(self, request: web.Request) -> web.Response:
        """What can be posted here."""
        return web.Response(status=204, headers={"Accept-Post": SDP, "Allow": "POST, GET, HEAD, OPTIONS"})

    async def options_of_session(self, request: web.Request) -> web.Response:
        """What can be patched here."""
        return web.Response(
            status=204, headers={"Accept-Patch": FRAGMENT, "Allow": "PATCH, DELETE, GET, HEAD, OPTIONS"}
        )

    async def open_events(self, request: web.Request) -> web.Response:
        """A stream of events beside the session."""
        return await open_stream(request, request.app[RELAY], self._seated(request))

    async def choose_layer(self, request: web.Request) -> web.Response:
        """Which of several renditions the player wants."""
        return await layers.choose_layer(request, request.app[RELAY], self._seated(request))

    async def read_events(self, request: web.Request) -> web.StreamResponse:
        """The events; whoever has the address may read them."""
        return await read_stream(request, self._told(request))

    async def close_events(self, request: web.Request) -> web.Response:
        """No more of them."""
        self._told(request)
        request.app[RELAY].telling.close(request.match_info["session"], request.match_info["stream"])
        return web.Response(status=200)

    async def options_of_events(self, request: web.Request) -> web.Response:
        """For preflights."""
        return web.Response(status=204, headers={"Accept-Post": "application/json"})

    @staticmethod
    def _told(request: web.Request) -> Told:
        told = request.app[RELAY].telling.find(request.match_info["session"], request.match_info["stream"])
        if told is None:
            raise Problem(404, "unknown_stream", "there is no such stream of events (any more)")
        return told

    async def nothing(self, request: web.Request) -> web.Response:
        """GET is kept for what may come (RFC 9725 section 4.2)."""
        return web.Response(status=204)

    def _authorise(self, request: web.Request, place: str, *, expired_will_do: bool = False) -> TokenClaims:
        claims = _claims(request, expired_will_do=expired_will_do)
        anywhere = claims.role == "relay" and claims.show is None  # a relay may pull any show
        if claims.role not in self._direction.roles or (
            self._direction.claimed(claims) != place and not anywhere
        ):
            raise Problem(403, "token_of_another_place", "the token was made for something else")
        _refuse_revoked(request.app[RELAY], claims)
        return claims

    @staticmethod
    def _why_gone(request: web.Request) -> str | None:
        """Why an ended session ended, as long as it is remembered; names cannot be guessed."""
        return request.app[RELAY].gone.get(request.match_info["session"])

    def _seated(self, request: web.Request) -> Seated:
        place = request.match_info["place"]
        self._authorise(request, place, expired_will_do=True)
        seated = request.app[RELAY].seated.get(request.match_info["session"])
        if seated is None and self._why_gone(request) == NEWER_PUBLISHER:
            raise Problem(410, "replaced", NEWER_PUBLISHER)
        if seated is None or seated.place != place or seated.prefix != self._direction.prefix:
            raise Problem(404, "unknown_session", "there is no such session (any more)")
        return seated


def _claims(request: web.Request, *, expired_will_do: bool = False) -> TokenClaims:
    try:
        return request.app[KEYS].check(request.headers.get("Authorization"), expired_will_do=expired_will_do)
    except TokenRefused as refused:
        raise Problem(401, "token_refused", str(refused), WWW_AUTHENTICATE) from None


def _refuse_revoked(relay: Relay, claims: TokenClaims) -> None:
    if claims.studio is not None and relay.is_revoked(claims.studio, claims.generation):
        raise Problem(401, "token_refused", PAIRING_REVOKED, WWW_AUTHENTICATE)


def _asker(request: web.Request) -> Asker:
    """Which relay asks, and for which rendition."""
    return Asker(RelayId(request.headers.get(RELAY_ID, "?")), request.query.get(RENDITION))


def authorise_operator(request: web.Request) -> None:
    """Raises Problem unless the token is of role `operate`."""
    if _claims(request).role != "operate":
        raise Problem(403, "token_of_another_place", "the token was made for something else")


@contextmanager
def _refusals() -> Iterator[None]:
    """What the relay refuses, as problems; NoCommonCodec is left to the caller."""
    retry = {"Retry-After": RETRY_AFTER_SECONDS}
    try:
        yield
    except NoCommonCodec:
        raise
    except SdpError as refused:
        raise Problem(400, "malformed_sdp", str(refused)) from None
    except OffAir:
        raise Problem(409, "off_air", "the show has no program now", retry) from None
    except Unavailable as refused:
        raise Problem(503, "relay_full", str(refused), retry) from None
    except Draining:
        raise Problem(503, "draining", "the relay is about to end", retry) from None


def _sent_on(refused: Problem, request: web.Request, claims: TokenClaims) -> Problem:
    """307 (RFC 9725 section 4.5) instead of 503, where another relay has room.

    Browsers name an Origin: they would follow without their token, so they are told when to ask again.
    """
    relay = request.app[RELAY]
    other = relay.upstreams.elsewhere() if relay.upstreams is not None else None
    if refused.status != 503 or other is None or claims.role == "relay" or "Origin" in request.headers:
        return refused
    return Problem(307, refused.code, refused.detail, {"Location": other + request.path})


async def _body(request: web.Request, content_type: str, limit: int) -> str:
    if request.content_type != content_type:
        accept = {"Accept-Post" if content_type == SDP else "Accept-Patch": content_type}
        raise Problem(415, "wrong_content_type", f"the body must be {content_type}", accept)
    raw = await request.read()
    if len(raw) > limit:
        raise Problem(413, "too_long", f"the body may have {limit} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(400, "malformed_sdp", "the body is not UTF-8") from None


def _check_match(request: web.Request, seated: Seated) -> None:
    """Real clients differ: If-Match may be absent, `*` or the ETag; another one is stale."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted.strip() not in ("*", f'"{seated.etag}"'):
        raise Problem(412, "stale_etag", "the session's ICE has been restarted since")
