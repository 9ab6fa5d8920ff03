"""The relay's HTTP side put together: routes, CORS, refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from ..relay.relay import Relay
from ..settings import Settings
from .ice import IceServers
from .problems import Problem
from .sessions import ICE_SERVERS, KEYS, RELAY, WHEP, WHIP, authorise_operator, session_routes
from .status import get_health, get_metrics, get_status
from .tokens import TokenKeys
from .visitors import VISITORS, Visitors

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BODY_BYTES_MAX: Final = 128 * 1024
# Tokens travel in a header, never in a cookie, so any page may ask: it has what the token allows.
CORS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, ETag, Link, Retry-After, Accept-Patch, Accept-Post",
}
# ETag is no header of a request; @eyevinn/whip-web-client sends it with its PATCH all the same.
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST, PATCH, DELETE, GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag, Accept",
    "Access-Control-Max-Age": "86400",
}
SETTINGS: Final = web.AppKey("settings", Settings)
_log = structlog.get_logger(__name__)


@web.middleware
async def _answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refusals become problems, and every answer may be read by a page of another origin."""
    visitors = request.app[VISITORS]
    try:
        visitors.admit(request)
        response = await handler(request)
    except Problem as problem:
        if problem.status != 429:  # who floods us shall not flood the log
            _log.info("refused", path=request.path, status=problem.status, code=problem.code)
        response = problem.response()
    except web.HTTPException as wrong:
        response = Problem(wrong.status, wrong.reason.lower().replace(" ", "_"), wrong.reason).response()
        if "Allow" in wrong.headers:
            response.headers["Allow"] = wrong.headers["Allow"]
    if response.prepared:  # a stream: its headers are out already
        return response
    visitors.refused(request, response.status)
    response.headers.update(CORS)
    if request.method == "OPTIONS":
        response.headers.update(PREFLIGHT)
    return response


async def _drain(request: web.Request) -> web.Response:
    """An operator moves the viewers away; the process stays until it is told to end."""
    authorise_operator(request)
    relay = request.app[RELAY]
    relay.departure.begin(request.app[SETTINGS].drain_seconds)
    return web.json_response({"draining": True, "viewers": relay.shows.viewers()}, status=202)


async def _stay(request: web.Request) -> web.Response:
    """The operator thought better of it: viewers are taken again, and who is here stays."""
    authorise_operator(request)
    relay = request.app[RELAY]
    if not relay.departure.cancel():
        raise Problem(409, "ending", "the relay was told to end; that is not taken back")
    return web.json_response({"draining": False, "viewers": relay.shows.viewers()})


def build_app(relay: Relay, keys: TokenKeys, settings: Settings) -> web.Application:
    """The application of one relay."""
    app = web.Application(middlewares=[_answers], client_max_size=BODY_BYTES_MAX)
    app[RELAY], app[KEYS], app[SETTINGS] = relay, keys, settings
    app[VISITORS] = Visitors(settings.rate_limits, settings.proxies, relay.clock.now)
    app[ICE_SERVERS] = IceServers(settings.turn_urls, settings.turn_secret)
    app.add_routes(session_routes(WHIP) + session_routes(WHEP))
    app.add_routes(
        [
            web.get("/status", get_status),
            web.get("/healthz", get_health),
            web.get("/metrics", get_metrics),
            web.post("/drain", _drain),
            web.delete("/drain", _stay),
        ]
    )
    return app
