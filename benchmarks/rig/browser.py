"""Chromium with the product's own WHEP transport on an empty page, and a front that may lead its
packets over a bad road: it hands the offer on and puts the road's port into the answer."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from .path import Road
from .servers import RelayServer

ROOT: Final = Path(__file__).parents[2]
CHROMIUM: Final = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-renderer-backgrounding",  # a page behind another still shows its frames
    "--disable-backgrounding-occluded-windows",
]
PAGE: Final = """<!doctype html><meta charset="utf-8"><title>benchmark</title>
<body><script type="module">
import { firstFrame, openWhep } from "/web/transport/whep.js";
globalThis.join = async () => {
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  video.width = 320; // drawing in software is the machine's doing, and no part of what is asked here
  document.body.replaceChildren(video);
  const asked_at = performance.now();
  const session = await openWhep("/whep", "");
  video.srcObject = session.stream;
  const shown_at = await firstFrame(video);
  Object.assign(globalThis, { video, session });
  return shown_at - asked_at;
};
globalThis.inbound = async (kind = "video") => {
  const all = [...(await session.peer.getStats()).values()];
  return all.find((report) => report.type === "inbound-rtp" && report.kind === kind);
};
globalThis.ready = true;
</script></body>
"""


class Front:
    """Serves the page and hands WHEP on to the relay, with the road's port where there is one."""

    def __init__(self, relay: RelayServer) -> None:
        self._relay = relay
        self.road: Road | None = None
        self._headers = {"Authorization": f"Bearer {relay.view_token}"}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_static("/web", ROOT / "web")
        app.router.add_post("/whep", self._post)
        app.router.add_delete("/session{path:.*}", self._delete)
        return app

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def _post(self, request: web.Request) -> web.Response:
        headers = {**self._headers, "Content-Type": "application/sdp"}
        async with aiohttp.ClientSession() as http:
            sent = http.post(self._relay.whep, data=await request.text(), headers=headers)
            async with sent as response:
                answer = await response.text()
                if response.status != 201:
                    return web.Response(status=response.status, text=answer)
                location = "/session" + response.headers["Location"]
        if self.road is not None:
            answer = await self._led_over(self.road, answer)
        return web.Response(
            status=201, text=answer, content_type="application/sdp", headers={"Location": location}
        )

    async def _led_over(self, road: Road, answer: str) -> str:
        candidate = re.compile(r"(a=candidate:\S+ 1 udp \d+ )(\S+) (\d+)( typ host)", re.I)
        found = candidate.search(answer)
        if found is None:
            raise RuntimeError("the answer names no UDP candidate")
        if not road.port:
            road.server = (found[2], int(found[3]))
            await road.open()
        udp_alone = re.sub(r"a=candidate:\S+ 1 tcp [^\r\n]*\r\n", "", answer)
        return candidate.sub(rf"\g<1>127.0.0.1 {road.port}\g<4>", udp_alone)

    async def _delete(self, request: web.Request) -> web.Response:
        url = self._relay.url + request.match_info["path"]
        async with (
            aiohttp.ClientSession() as http,
            http.delete(url, headers=self._headers) as response,
        ):
            return web.Response(status=response.status)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One browser process; pages are cheap."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page(browser: Browser, relay: RelayServer, road: Road | None = None) -> AsyncIterator[Page]:
    """A page that can `join()`; its media go over the road."""
    front = Front(relay)
    front.road = road
    runner = web.AppRunner(front.app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    opened = await browser.new_page()
    try:
        await opened.goto(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        await opened.wait_for_function("globalThis.ready")
        yield opened
    finally:
        await opened.close()
        await runner.cleanup()
        if road is not None:
            await road.close()
