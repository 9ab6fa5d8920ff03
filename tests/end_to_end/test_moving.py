"""A relay drains and its viewer, in a real browser, is on another one before it notices."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from commerce.api.seat import choose, whep_url
from tests.end_to_end.player import playing, until_frames
from tests.end_to_end.relays import Relays, comes_true, several
from tests.servers import Server
from tests.streaming.house import SHOW, publish

pytestmark = pytest.mark.browser
# What a person sees, sixty times a second: the last frame where it covers a change, else the video.
EYE = """
globalThis.eye = { looks: 0, black: 0, last: "", changed_at: 0, longest_still_ms: 0 };
const paper = new OffscreenCanvas(16, 9).getContext("2d", { willReadFrequently: true });
const look = (now) => {
  requestAnimationFrame(look);
  const video = document.querySelector("video");
  const cover = document.querySelector("canvas:not([hidden])");
  if (!(globalThis.seen?.frames >= 30)) return;
  paper.clearRect(0, 0, 16, 9);
  paper.drawImage(cover ?? video, 0, 0, 16, 9);
  const pixels = paper.getImageData(0, 0, 16, 9).data;
  let light = 0;
  for (let at = 0; at < pixels.length; at += 4) light += pixels[at] + pixels[at + 1] + pixels[at + 2];
  eye.looks += 1;
  if (light / 144 < 30) eye.black += 1;
  const face = pixels.join();
  if (face !== eye.last || !eye.changed_at) { eye.last = face; eye.changed_at = now; }
  eye.longest_still_ms = Math.max(eye.longest_still_ms, now - eye.changed_at);
};
requestAnimationFrame(look);
"""
# The relay has taken note that the present session listens.
LISTENS = """
  performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/events")).length > watch.moves
"""
SEEN = """
async () => {
  let frozen_s = 0;
  for (const report of (await watch.session.peer.getStats()).values())
    if (report.type === "inbound-rtp" && report.kind === "video") frozen_s = report.totalFreezesDuration;
  const { looks, black, longest_still_ms } = eye;
  return { looks, black, longest_still_ms, frozen_s, moves: watch.moves, seats: watch.seats,
           phase: watch.phase, covered: !document.querySelector("canvas").hidden };
}
"""


@asynccontextmanager
async def seated(relays: Relays) -> AsyncIterator[Any]:
    """The player; the shop's own rule gives it seats."""

    async def give(wish: dict[str, Any]) -> dict[str, Any]:
        found = await relays.entries()
        relay = choose(found.values(), SHOW, time.time_ns() // 1_000_000, wish.get("avoid"))
        assert relay is not None
        return {"whep": whep_url(relay, SHOW), "token": relays.houses[0].view_token(), "ice": []}

    async with playing(give, EYE) as page:
        yield page


async def test_a_viewer_moves_from_a_draining_relay_without_a_break_and_back(
    valkey: Server, tmp_path: Path, free_port: Any
) -> None:
    async with several(valkey.url, tmp_path, free_port, 2, RELAY_DRAIN_SECONDS="8") as relays:
        near, far = relays.houses
        studio = await publish(near, width=320, height=180)
        await comes_true(lambda: relays.has(near, SHOW))
        async with seated(relays) as page:
            await until_frames(page, 40)
            for drained, stays in ((near, far), (far, near)):
                bearer = {"Authorization": f"Bearer {drained.token('operate')}"}
                await page.wait_for_function(LISTENS, timeout=30_000)
                moves = await page.evaluate("watch.moves")
                async with aiohttp.ClientSession() as http:
                    await http.post(f"{drained.url}/drain", headers=bearer)
                    await page.wait_for_function(f"watch.moves === {moves + 1}", timeout=30_000)
                    await until_frames(page, 40)
                    assert (await page.evaluate("watch.session.peer.connectionState")) == "connected"
                    await comes_true(lambda s=stays: relays.viewers(s, 1))
                    await comes_true(lambda d=drained: relays.viewers(d, 0))
                    assert (await http.delete(f"{drained.url}/drain", headers=bearer)).status == 200
                await comes_true(lambda d=drained: relays.takes(d))
            seen = await page.evaluate(SEEN)
            print(seen)
            assert (seen["seats"], seen["moves"], seen["phase"], seen["covered"]) == (1, 2, "playing", False)
            assert seen["looks"] > 0
            assert seen["black"] == 0
        await studio.close()
