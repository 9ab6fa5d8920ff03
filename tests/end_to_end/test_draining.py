"""SIGTERM to one of two relays: it says so, nobody new comes, its viewer is let go, and it ends in time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
from redis.asyncio import Redis

from streaming.contract import RELAYS_KEY, STAGE_WISHES_KEY, RelayEntry, Stage, from_wire, stage_key, to_wire
from tests.end_to_end.processes import ROOT
from tests.servers import Server
from tests.streaming.house import SHOW, STUDIO, House, post_offer, publish, watch
from tests.streaming.offers import offer

DRAIN_SECONDS = 2


class FarHouse(House):
    """A relay in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder)
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def begin(house: FarHouse, name: str, redis_url: str) -> asyncio.subprocess.Process:
    settings = {
        "RELAY_HTTP": f"127.0.0.1:{house.port}",
        "RELAY_UDP": "127.0.0.1:0",
        "RELAY_ID": name,
        "RELAY_SLATE": "0",
        "RELAY_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "REDIS_URL": redis_url,
        "TOKEN_KEYS_FILE": str(house.folder / "public.json"),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streaming", cwd=ROOT, env={**os.environ, **settings}
    )


async def entries(redis: Any) -> dict[str, RelayEntry]:
    found = [from_wire(msgpack.unpackb(raw)) for raw in (await redis.hgetall(RELAYS_KEY)).values()]
    return {entry.relay: entry for entry in found if isinstance(entry, RelayEntry)}


async def comes_true(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not await condition():  # noqa: ASYNC110 (another process has no event for us)
            await asyncio.sleep(0.05)


async def test_a_relay_that_is_told_to_end_drains_first(
    valkey: Server, tmp_path: Path, free_port: Any
) -> None:
    redis: Any = Redis.from_url(valkey.url)
    await redis.set(stage_key(SHOW), msgpack.packb(to_wire(Stage(SHOW, 1, True, STUDIO))))
    await redis.xadd(STAGE_WISHES_KEY, {"show": SHOW})
    house = FarHouse(tmp_path, free_port())
    house.write_keys()
    other = FarHouse(tmp_path, free_port())
    relays = [await begin(house, "r-leaving", valkey.url), await begin(other, "r-staying", valkey.url)]
    try:

        async def both() -> bool:
            return len(await entries(redis)) == 2

        async def on_air() -> bool:
            return SHOW in (await entries(redis))["r-leaving"].shows

        async def viewed() -> bool:
            return (await entries(redis))["r-leaving"].viewers == 1

        async def draining() -> bool:
            return (await entries(redis))["r-leaving"].draining

        await comes_true(both)
        studio = await publish(house, width=320, height=180)
        await comes_true(on_air)
        viewer = await watch(house)
        await comes_true(viewed)
        relays[0].send_signal(signal.SIGTERM)
        began = time.monotonic()
        await comes_true(draining)
        status, _, headers = await post_offer(f"{house.url}/whep/{SHOW}", house.view_token(), offer())
        assert (status, headers["Retry-After"]) == (503, "1")
        assert await asyncio.wait_for(relays[0].wait(), DRAIN_SECONDS + 4) == 0
        assert time.monotonic() - began > 1  # the shop had time to hear of it
        assert set(await entries(redis)) == {"r-staying"}
        async with aiohttp.ClientSession() as http, http.get(f"{other.url}/healthz") as response:
            assert response.status == 200
        for peer in (viewer, studio):
            await peer.close()
    finally:
        for relay in relays:
            if relay.returncode is None:
                relay.terminate()
                await asyncio.wait_for(relay.wait(), 10)
        await redis.aclose()
