"""A shop that pairs and renews as docs/http-api.md says, for tests of the agent alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from studio_agent.shop import Shop

TOKEN_MS = 3_600_000


class FakeShop:
    """`polls` are answered in turn; the credential moves on with each renewal, as the real one's does."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.polls: list[web.Response] = []
        self.agents: list[str] = []
        self.credential = "credential-of-the-shop-0"
        self.now_ms = 1_800_000_000_000
        self.renewals = 0
        self.status = 200  # of renewals; 503 is a shop without a relay, 401 one that revoked

    async def ask(self, request: web.Request) -> web.Response:
        self.agents.append((await request.json())["agent"])
        asked = {
            "device_code": f"device-code-number-{next(self.numbers)}",
            "user_code": "BCDF-GHJK",
            "verification_uri": "http://shop.test/pair",
            "expires_at": int(time.time() * 1000) + 600_000,
            "interval": 5,
        }
        return web.json_response(asked, status=201)

    async def token(self, request: web.Request) -> web.Response:
        assert (await request.json())["device_code"] == f"device-code-number-{len(self.agents)}"
        return self.polls.pop(0)

    async def renewal(self, request: web.Request) -> web.Response:
        self.renewals += 1
        if self.status != 200:
            return no(self.status, {401: "PairingVoid", 503: "NoRelay"}[self.status])
        assert (await request.json())["credential"] == self.credential
        self.credential = f"credential-of-the-shop-{self.renewals}"
        access = {
            "whip": f"http://relay.test/whip/st-{self.renewals}",
            "token": f"token-{self.renewals}",
            "expires_at": self.now_ms + TOKEN_MS,
            "credential": self.credential,
        }
        return web.json_response(access)


def no(status: int, code: str, **fields: Any) -> web.Response:
    return web.json_response({"code": code, "detail": "because", **fields}, status=status)


def yes(credential: str = "credential-of-the-shop-0") -> web.Response:
    return web.json_response({"studio": {"id": "st-1", "name": "Loft"}, "credential": credential})


@asynccontextmanager
async def opened(fake: FakeShop) -> AsyncIterator[Shop]:
    """The agent's view of the shop, over real HTTP."""
    app = web.Application()
    app.router.add_post("/api/pairings", fake.ask)
    app.router.add_post("/api/pairings/token", fake.token)
    app.router.add_post("/api/pairings/renewal", fake.renewal)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        yield Shop(http, str(server.make_url("/")))
