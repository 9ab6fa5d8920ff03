"""Payment firms on this machine for tests, behind the same few handles, and an ear for their webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.provider import Bill, Provider
from commerce.payments.sandbox.app import Bank
from commerce.payments.sandbox.settings import BankSettings
from commerce.payments.sandbox.till import Till
from commerce.settings import Address
from tests.commerce.payments.paying import choose

SECRET = bytes(range(32))
BILL = Bill("pa-1", "or-1", 9_960, "CNY", "Silk House", "http://127.0.0.1:1/orders/or-1", "zh")


@dataclass
class Ear:
    """Stands where the shop takes webhooks: keeps what it hears, answers as told."""

    heard: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # the next statuses; then 204
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((request.headers, await request.read()))
        self.news.set()
        return web.Response(status=self.answers.pop(0) if self.answers else 204)

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self.heard) < count:
                self.news.clear()
                await self.news.wait()


@dataclass
class Firm:
    """A firm to be tested: our adapter, and what a payer can do."""

    provider: Provider
    ear: Ear
    pay: Callable[[str], Awaitable[object]]  # by the page's URL
    decline: Callable[[str], Awaitable[object]]
    tells_failures: bool = True  # else one has to ask


@asynccontextmanager
async def ear_at_work() -> AsyncIterator[tuple[Ear, str]]:
    """An ear and its URL."""
    ear = Ear()
    app = web.Application()
    app.add_routes([web.post("/hook", ear.take)])
    async with TestServer(app) as server:
        yield ear, str(server.make_url("/hook"))


@asynccontextmanager
async def sandbox(folder: Path, late_seconds: int = 1) -> AsyncIterator[Firm]:
    """The sandbox bank, in this loop."""
    async with ear_at_work() as (ear, hook):
        settings = BankSettings(
            http=Address("127.0.0.1", 0), public_url=None, state_file=folder / "bank.sqlite",
            secret_file=folder / "unused", webhook_url=hook, late_seconds=late_seconds,
        )  # fmt: skip
        bank = Bank(settings, await asyncio.to_thread(Till, settings.state_file), SECRET)
        async with TestServer(bank.app()) as server:
            origin = str(server.make_url("/")).rstrip("/")
            adapter = SandboxBank(origin, SECRET)

            def here(url: str) -> str:
                return origin + url[url.index("/pay/") :]

            yield Firm(
                adapter, ear, lambda url: choose(here(url), "pay"), lambda url: choose(here(url), "decline")
            )
            await adapter.close()
