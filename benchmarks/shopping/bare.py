"""The least that aiohttp can do: read the body of a POST, say 201 with a few bytes."""

from __future__ import annotations

import sys

import uvloop
from aiohttp import web

ANSWER = b'{"ok":true}'


async def take(request: web.Request) -> web.Response:
    """Read the body and answer."""
    await request.read()
    return web.Response(status=201, body=ANSWER, content_type="application/json")


async def make() -> web.Application:
    """One route."""
    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(make(), host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
