"""SIGTERM to one of two relays: it says so, nobody new comes, its viewer is let go, and it ends in time."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.end_to_end.relays import comes_true, several
from tests.servers import Server
from tests.streaming.house import SHOW, post_offer, publish, watch
from tests.streaming.offers import offer

DRAIN_SECONDS = 2


async def test_a_relay_that_is_told_to_end_drains_first(
    valkey: Server, tmp_path: Path, free_port: Any
) -> None:
    async with several(valkey.url, tmp_path, free_port, 2, RELAY_DRAIN_SECONDS=str(DRAIN_SECONDS)) as relays:
        leaving, staying = relays.houses
        studio = await publish(leaving, width=320, height=180)
        await comes_true(lambda: relays.has(leaving, SHOW))
        viewer = await watch(leaving)
        await comes_true(lambda: relays.viewers(leaving, 1))
        assert leaving.child is not None
        leaving.child.send_signal(signal.SIGTERM)
        began = time.monotonic()

        async def draining() -> bool:
            return not await relays.takes(leaving)

        await comes_true(draining)
        url = f"{leaving.url}/whep/{SHOW}"
        status, _, headers = await post_offer(
            url, leaving.view_token(), offer(), Origin="https://shop.example"
        )
        assert (status, headers["Retry-After"]) == (503, "1")
        assert await asyncio.wait_for(leaving.child.wait(), DRAIN_SECONDS + 15) == 0
        assert time.monotonic() - began > 1  # the shop had time to hear of it
        assert set(await relays.entries()) == {staying.name}
        async with aiohttp.ClientSession() as http, http.get(f"{staying.url}/healthz") as response:
            assert response.status == 200
        for peer in (viewer, studio):
            await peer.close()
