"""A fake shop and a page of a real Chromium for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.web.browsing import CHROMIUM, chromium, serving
from tests.web.fake_shop import FakeShop


class Visit:
    """A shop, its origin, and a page that has not gone anywhere yet. `errors` are those of its scripts."""

    def __init__(self, shop: FakeShop, origin: str, page: Page) -> None:
        self.shop, self.origin, self.page = shop, origin, page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on(
            "console", lambda line: self.errors.append(line.text) if "Security Policy" in line.text else None
        )

    async def go(self, path: str) -> Page:
        await self.page.goto(self.origin + path)
        return self.page

    def pin(self, offer: str, pts_90khz: int | None = None) -> None:
        self.shop.pin = {"offer": offer, "pts_90khz": pts_90khz, "pinned_at": 0}
        self.shop.tell(pin=self.shop.pin)

    async def measured(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate("({ ...window.silkcast })")
        return found


@asynccontextmanager
async def visiting(
    browser: Browser, goods: str = "good", size: tuple[int, int] = (320, 180), **context: Any
) -> AsyncIterator[Visit]:
    shop = FakeShop(goods, size=size)  # drawn: a decoder thread would outlive the test
    async with serving(shop) as origin:
        wanted = {"viewport": {"width": 360, "height": 780}, "has_touch": True, "locale": "en-GB"}
        tab = await browser.new_context(**{**wanted, **context})
        visit = Visit(shop, origin, await tab.new_page())
        yield visit
        await tab.close()
    assert visit.errors == []


needs_chromium = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no Chromium: `make system`")
in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    async with visiting(browser) as one:
        yield one
