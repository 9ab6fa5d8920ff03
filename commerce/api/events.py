"""`GET /api/shows/{show}/events`: one connection of a browser to the feed of a show."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from commerce.api.ask import Ask
from commerce.api.crowd import Listener
from commerce.api.feed import MOST_LISTENERS
from commerce.api.problems import Problem
from commerce.show.view import HOST, PUBLIC, Eye, own

MOST_ID_CHARS: Final = 128
HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


async def listen(ask: Ask) -> web.StreamResponse:
    """A snapshot or what was missed, then every change as it comes."""
    house, show = ask.house, ask.path("show")
    planned = await house.planned(show)
    host = ask.query.view == "host"
    if host:
        ask.demand_merchant(planned.merchant)
    feed = await house.feeds.of(planned)
    buyer = ask.holder.id if ask.holder is not None and ask.holder.kind == "buyer" else None
    last_event_id = ask.request.headers.get("Last-Event-ID", "")[:MOST_ID_CHARS]

    if len(feed.crowd) >= MOST_LISTENERS:
        raise Problem("Busy", "This show is full here")
    response = web.StreamResponse(headers={**HEADERS, "X-Request-Id": ask.trace})
    response.enable_chunked_encoding()
    await response.prepare(ask.request)
    transport = ask.request.transport
    if transport is None or transport.is_closing():
        return response
    listener = Listener(transport, buyer, host=host)
    first = feed.join(listener, _eye(buyer, host=host), last_event_id, ask.now_ms)
    try:
        await response.write(first)  # goes out with the headers, before any patch
        await listener.closed
    finally:
        feed.crowd.leave(listener)
    return response


def _eye(buyer: str | None, *, host: bool) -> Eye:
    if host:
        return HOST
    return PUBLIC if buyer is None else own(buyer)
