"""A Chromium and a fake shop for page tests and pictures: both real processes, on free ports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from playwright.async_api import Browser, async_playwright, expect

from tests.web.fake_shop import FakeShop, application

CHROMIUM: Final = "/usr/bin/chromium"
PATIENCE_MS: Final = 30_000  # a busy machine is no failure
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
]


@asynccontextmanager
async def serving(shop: FakeShop) -> AsyncIterator[str]:
    """Serves the shop; yields its origin."""
    runner = web.AppRunner(application(shop), shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        shop.hang_up()
        await runner.cleanup()
        await shop.relay.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            await browser.close()
