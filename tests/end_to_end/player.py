"""A page of the product's own player in a real Chromium, and what it tells of its picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiohttp import web
from playwright.async_api import Page

from tests.end_to_end.processes import ROOT, SHOW, Stage
from tests.streaming.browser import open_browser

# The player of the show page alone: its element, its watch (seat, back-off, re-seat), its WHEP.
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>player</title>
<link rel="stylesheet" href="/web/styles/tokens.css"><link rel="stylesheet" href="/web/styles/base.css">
<body><script type="module">
import "/web/elements/live-picture.js";
import { Api } from "/web/transport/api.js";
import { watchShow } from "/web/transport/watch.js";
const picture = document.createElement("live-picture");
document.body.append(picture);
globalThis.watch = watchShow(new Api({ token: async () => null }), "SHOW").start();
picture.follow(watch);
globalThis.seen = { frames: 0, largest_gap_ms: 0, last_at: 0 };
picture.addEventListener("frame", () => {
  const now = performance.now();
  if (seen.last_at) seen.largest_gap_ms = Math.max(seen.largest_gap_ms, now - seen.last_at);
  seen.last_at = now;
  seen.frames += 1;
});
</script></body></html>
"""
STATS = """
async () => {
  const found = {};
  for (const report of (await watch.session.peer.getStats()).values())
    if (report.type === "inbound-rtp") found[report.kind] = report;
  const video = document.querySelector("video");
  return { ...found, seats: watch.seats, muted: video.muted, paused: video.paused,
           width: video.videoWidth, height: video.videoHeight, seen };
}
"""


Seats = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
Opened = Callable[[], AbstractAsyncContextManager[Page]]


@asynccontextmanager
async def watching(stage: Stage, opened: Opened = open_browser) -> AsyncIterator[Page]:
    """The player on a page whose front gives it seats on the stage's relay; `opened`: another browser's."""

    async def seat(_: dict[str, Any]) -> dict[str, Any]:
        return {"whep": stage.whep, "token": stage.keys.view(), "ice": []}

    async with playing(seat, opened=opened) as page:
        yield page


@asynccontextmanager
async def playing(give: Seats, script: str = "", opened: Opened = open_browser) -> AsyncIterator[Page]:
    """The player on a page whose front gives the seats that `give` says; `script` runs there before it."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text=PAGE.replace("SHOW", SHOW), content_type="text/html")

    async def seat(request: web.Request) -> web.Response:
        return web.json_response(await give(await request.json()))

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_post("/api/shows/{show}/seat", seat)
    app.router.add_static("/web", ROOT / "web")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with opened() as browser_page:
            await browser_page.add_init_script(script)
            await browser_page.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
            yield browser_page
    finally:
        await runner.cleanup()


async def stats(page: Page) -> dict[str, Any]:
    """Inbound statistics of `video` and `audio`, and the state of the element."""
    return dict(await page.evaluate(STATS))


async def until_frames(page: Page, more: int, seconds: float = 60) -> int:
    """Wait until so many more frames have been shown; the count then."""
    before = await page.evaluate("globalThis.seen?.frames ?? 0")
    await page.wait_for_function(f"globalThis.seen?.frames >= {before + more}", timeout=seconds * 1000)
    return int(before) + more
