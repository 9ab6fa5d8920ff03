"""A browser that sends three encodings, and a browser behind a path that narrows and recovers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.streaming.browser import PLAYER, PUBLISHER, SIMULCAST, STATS, open_browser
from tests.streaming.house import SHOW, STAGE, open_house, until
from tests.streaming.network import Network

WAIT_MS = 40_000


@pytest.mark.browser
@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_viewer_gets_what_its_path_bears(tmp_path: Path, free_port: Any, codec: str) -> None:
    udp = free_port()
    network = Network(udp)
    async with (
        open_house(
            tmp_path,
            [{**STAGE, "codec": codec}],
            RELAY_UDP=f"127.0.0.1:{udp}",
            RELAY_ANNOUNCE=f"127.0.0.1:{network.port}",
        ) as house,
        open_browser() as studio,
    ):
        program = house.process.relay.shows.programs[SHOW]
        token = house.publish_token()
        await studio.evaluate(
            PUBLISHER, {"url": f"{house.url}/whip/st-1", "token": token, "encodings": SIMULCAST}
        )
        await until(lambda: program.layered and all(r.bps for r in program.video.values()))
        await until(lambda: len(program.video) == 3)
        network.spare()
        page = await studio.context.browser.new_page()  # type: ignore[union-attr]  # it was launched, not joined
        await page.goto(studio.url)
        await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await page.wait_for_function("frames.length && frames.at(-1).width === 1280", timeout=WAIT_MS)
        network.rate_bps = 700_000
        await page.wait_for_function("frames.at(-1).width < 1280", timeout=WAIT_MS)
        network.rate_bps = None
        await page.wait_for_function("frames.at(-1).width === 1280", timeout=WAIT_MS)
        stats = (await page.evaluate(STATS))["inbound-rtp video"]
        assert stats["framesDecoded"] > 30
        times = await page.evaluate("frames.map(f => f.rtp)")
        assert times == sorted(times)
    network.close()
