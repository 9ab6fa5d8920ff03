"""SIGTERM to one of two relays: it says so, nobody new comes, its viewer is let go, and it ends in time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.end_to_end.relays import FarHouse, comes_true, several
from tests.servers import Server
from tests.streaming.api.test_events import next_event
from tests.streaming.api.test_events import viewer as opened
from tests.streaming.house import SHOW, post_offer, publish, watch
from tests.streaming.offers import offer

DRAIN_SECONDS = 60  # far longer than this test: the one who listens is what it waits for


@asynccontextmanager
async def listening(house: FarHouse) -> AsyncIterator[aiohttp.ClientResponse]:
    """A player that asked to be told; it may stay until it has another session, and gives its own up then."""
    session, events = await opened(house)
    bearer = {"Authorization": f"Bearer {house.view_token()}"}
    async with aiohttp.ClientSession(headers=bearer) as http:
        made = await http.post(events, json=["reconnect"])
        async with http.get(house.url + made.headers["Location"]) as stream:
            yield stream
            assert (await http.delete(session)).status == 200


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
        async with listening(leaving) as stream:
            leaving.child.send_signal(signal.SIGTERM)
            assert (await next_event(stream))[0] == "reconnect"

            async def draining() -> bool:
                entry = await relays.of(leaving)
                return entry is not None and entry.draining

            await comes_true(draining)  # the shop hears of it while the relay still stands
            url = f"{leaving.url}/whep/{SHOW}"
            browser = {"Origin": "https://shop.example"}
            status, _, headers = await post_offer(url, leaving.view_token(), offer(), **browser)
            assert (status, headers["Retry-After"]) == (503, "1")
            await comes_true(lambda: relays.viewers(leaving, 0))  # who cannot be asked is let go
        assert await asyncio.wait_for(leaving.child.wait(), DRAIN_SECONDS / 2) == 0
        assert set(await relays.entries()) == {staying.name}
        async with aiohttp.ClientSession() as http, http.get(f"{staying.url}/healthz") as response:
            assert response.status == 200
        for peer in (viewer, studio):
            await peer.close()
