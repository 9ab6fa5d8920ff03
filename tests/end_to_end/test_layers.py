"""The agent's own encodings, a relay, and Chromium behind a path that narrows and recovers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.processes import Process
from tests.streaming.browser import PLAYER, STATS, open_browser
from tests.streaming.house import SHOW, STUDIO, open_house, until
from tests.streaming.network import Network

WAIT_MS = 40_000


@pytest.mark.browser
async def test_chromium_goes_down_and_up_the_sizes_that_the_agent_sends(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    udp, health = free_port(), f"127.0.0.1:{free_port()}"
    network = Network(udp)
    places = {"RELAY_UDP": f"127.0.0.1:{udp}", "RELAY_ANNOUNCE": f"127.0.0.1:{network.port}"}
    async with open_house(tmp_path, RELAY_TCP="0", **places) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        agent = Process(
            "studio_agent",
            tmp_path / "agent.log",
            f"http://{health}/healthz",
            STUDIO_HTTP=health,
            STUDIO_WHIP=f"{house.url}/whip/{STUDIO}",
            STUDIO_TOKEN=house.publish_token(),
            STUDIO_PRESET="ultrafast",
            STUDIO_LAYERS="3",
        )
        await agent.start()
        try:
            await until(lambda: all(r.bps for r in program.video.values()) and len(program.video) == 3)
            feed = house.process.relay.feeds[STUDIO]
            assert set(program.video) == {"f", "h", "q"}
            assert {rid for rid, layer in feed.layers.items() if layer.rtx_ssrc is not None} <= {
                "f",
                "h",
                "q",
            }
            times = [rendition.last for rendition in program.video.values()]
            assert max(times) - min(times) < 90_000  # type: ignore[type-var,operator]  # all have begun
            network.spare()
            await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
            await page.wait_for_function("frames.length && frames.at(-1).width === 1280", timeout=WAIT_MS)
            network.rate_bps = 400_000
            await page.wait_for_function("frames.at(-1).width === 320", timeout=WAIT_MS)
            network.rate_bps = None
            await page.wait_for_function("frames.at(-1).width === 1280", timeout=WAIT_MS)
            stats = (await page.evaluate(STATS))["inbound-rtp video"]
            assert stats["framesDecoded"] > 30
            stamps = await page.evaluate("frames.map(f => f.rtp)")
            assert stamps == sorted(stamps)
            assert house.process.relay.totals.watched == 1
            assert (await agent.health())["layers"] == 3
        finally:
            await agent.end()
    network.close()
