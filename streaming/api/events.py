"""WHEP's server-sent events (draft-ietf-wish-whep-02, events extension): POST opens a stream, GET reads it.

The stream's address cannot be guessed and is the right to read it: EventSource sends no header.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Final

from aiohttp import web

from ..domain.happenings import KINDS, EventStream
from ..relay.relay import Relay
from ..relay.seated import Seated
from ..relay.telling import Told
from .problems import Problem

EXTENSION: Final = "urn:ietf:params:whep:ext:core:server-sent-events"
ASKED_BYTES_MAX: Final = 1024
PING_SECONDS: Final = 15.0  # proxies end what is silent


def link_of(location: str) -> str:
    """The Link header that offers the extension beside a session."""
    return f'<{location}/events>; rel="{EXTENSION}"; events="{",".join(KINDS)}"'


async def open_stream(request: web.Request, relay: Relay, seated: Seated) -> web.Response:
    """201 with the stream's address; the body may name the events wanted."""
    program = relay.shows.programs.get(seated.show)
    if program is None:
        raise Problem(404, "unknown_session", "the show is off air")
    stream = EventStream(await _wanted(request), seated.video_line)
    if seated.session.reason:  # it ended while the body was on its way: nobody would close the stream
        raise Problem(404, "unknown_session", "there is no such session (any more)")
    name = relay.telling.open(seated.name, program, stream, relay.clock.now())
    return web.Response(status=201, headers={"Location": f"{request.path}/{name}"})


async def _wanted(request: web.Request) -> frozenset[str]:
    """A kind that was not offered is 400, as the extension's current text demands."""
    raw = await request.read()
    if not raw:
        return frozenset(KINDS)
    try:
        asked = json.loads(raw) if len(raw) <= ASKED_BYTES_MAX else None
    except ValueError:
        asked = None
    if not isinstance(asked, list) or not all(isinstance(kind, str) for kind in asked):
        raise Problem(400, "malformed_events", "the body must be a JSON array of event names")
    unknown = sorted(frozenset(asked) - frozenset(KINDS))
    if unknown:
        raise Problem(400, "unknown_events", f"never told here: {', '.join(unknown)[:200]}")
    return frozenset(asked)


async def read_stream(request: web.Request, told: Told) -> web.StreamResponse:
    """The events as they come, until the session ends or another reader takes over."""
    told.reader += 1
    reader = told.reader
    told.came.set()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Access-Control-Allow-Origin": "*"}
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream"})
    with contextlib.suppress(ConnectionResetError):  # who reads may go at any time
        await response.prepare(request)
        while not told.closed and told.reader == reader:
            told.came.clear()
            for kind, data in told.stream.take():
                await response.write(f"event: {kind}\ndata: {data}\n\n".encode())
            try:
                await asyncio.wait_for(told.came.wait(), PING_SECONDS)
            except TimeoutError:
                await response.write(b":\n\n")
    return response
