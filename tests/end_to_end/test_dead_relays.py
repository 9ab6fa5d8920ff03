"""Three relays on three hosts: one dies, or a link goes dead, and who watches elsewhere watches on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from streaming.contract import RELAYS_KEY
from tests.end_to_end.relays import FarHouse, Relays, comes_true, make_houses, put_on_air
from tests.end_to_end.villages import Village, village
from tests.servers import Server
from tests.streaming.house import SHOW, Peer, post_offer, publish, watch
from tests.streaming.offers import offer

SMALL = {"width": 320, "height": 180}
OTHER = {"width": 480, "height": 270}
PORT = 8081


@pytest.fixture
async def relays(valkey: Server, tmp_path: Path) -> AsyncIterator[tuple[Village, Relays]]:
    with village(3) as hosts:
        redis: Any = Redis.from_url(valkey.url)  # by its socket: the registry outlives every link
        await redis.delete(RELAYS_KEY)
        await put_on_air(redis)
        found = Relays(redis, make_houses(tmp_path, [(hosts.host(n), PORT) for n in range(hosts.count)]))
        try:
            for number, house in enumerate(found.houses):
                await house.start(*hosts.inside(number), REDIS_URL=valkey.url)

            async def all_live() -> bool:
                return len(await found.entries()) == hosts.count

            await comes_true(all_live)
            yield hosts, found
        finally:
            await asyncio.gather(*(house.end() for house in found.houses))
            await redis.aclose()


async def status(house: FarHouse) -> dict[str, Any]:
    async with aiohttp.ClientSession() as http, http.get(f"{house.url}/status") as response:
        return dict(await response.json())


async def join(house: FarHouse) -> Peer:
    """A viewer that asks again while the show is being pulled, as players do."""
    async with asyncio.timeout(40):
        while True:
            answered, _, _ = await post_offer(f"{house.url}/whep/{SHOW}", house.view_token(), offer())
            if answered == 201:
                return await watch(house)
            await asyncio.sleep(0.1)


class Eye:
    """A viewer's pictures: how wide the last one was, and when it came."""

    def __init__(self, viewer: Peer) -> None:
        self.viewer, self.frames, self.width, self.last_s, self.longest_s = viewer, 0, 0, 0.0, 0.0
        self._task = asyncio.create_task(self._look())

    async def _look(self) -> None:
        track = self.viewer.connection.getTransceivers()[0].receiver.track
        while True:
            frame = await track.recv()
            now = time.monotonic()
            if self.frames:
                self.longest_s = max(self.longest_s, now - self.last_s)
            self.frames, self.width, self.last_s = self.frames + 1, frame.width, now

    async def sees(self, more: int, width: int | None = None) -> None:
        async with asyncio.timeout(40):
            wanted = self.frames + more
            while self.frames < wanted or (width is not None and self.width != width):
                assert not self._task.done(), self._task.exception()
                await asyncio.sleep(0.02)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.viewer.close()


@asynccontextmanager
async def watching(house: FarHouse) -> AsyncIterator[Eye]:
    """Somebody who must never have to connect anew."""
    eye = Eye(await join(house))
    try:
        await eye.sees(20)
        yield eye
        assert eye.viewer.connection.connectionState == "connected"
    finally:
        await eye.close()


async def pulls_from(house: FarHouse, sources: list[FarHouse]) -> FarHouse:
    """The one of `sources` that gives its program to a relay."""
    for source in sources:
        (program,) = (await status(source))["programs"]
        if program["viewers"]:
            return source
    raise AssertionError("nobody gives it the show")


async def test_a_relay_whose_source_is_killed_goes_to_another_one(
    relays: tuple[Village, Relays],
) -> None:
    _, found = relays
    one, two, far = found.houses
    studios = [await publish(one, **SMALL), await publish(two, **OTHER)]
    for house in (one, two):
        await comes_true(lambda h=house: found.has(h, SHOW))
    async with watching(far) as eye:
        source = await pulls_from(far, [one, two])
        eye.longest_s = 0.0
        source.kill()
        await eye.sees(10, OTHER["width"] if source is one else SMALL["width"])
        print(f"a source was killed: no picture for {eye.longest_s:.2f} s")
    for studio in studios:
        await studio.close()


async def test_a_dead_link_is_gone_around_without_a_ring(relays: tuple[Village, Relays]) -> None:
    """The studio is on one, the link from there to far goes dead: far goes by two, and two never by far."""
    hosts, found = relays
    one, two, far = found.houses
    studio = await publish(one, **SMALL)
    await comes_true(lambda: found.has(one, SHOW))
    async with watching(two) as near, watching(far) as eye:
        eye.longest_s = 0.0
        hosts.part(0, 2)
        await eye.sees(40)
        await comes_true(lambda: gives(two, 2))
        print(f"a link went dead: no picture for {eye.longest_s:.2f} s")
        relay = far.token("relay")
        for house, asker, expected in ((far, "r1", 409), (far, "r9", 409), (two, "r0", 409)):
            url = f"{house.url}/whep/{SHOW}"
            assert (await post_offer(url, relay, offer(), **{"Relay-Id": asker}))[0] == expected
        one.kill()  # now both have lost it, and must not feed each other what was
        await comes_true(lambda: gives(two, 1))
        before = [each.frames for each in (near, eye)]
        await comes_true(lambda: silent(two, far))
        again = await publish(two, **OTHER)
        for each, frames in zip((near, eye), before, strict=True):
            await each.sees(10, OTHER["width"])
            assert each.frames > frames
        await again.close()
    await studio.close()


async def gives(house: FarHouse, viewers: int) -> bool:
    """How many watch there, other relays among them."""
    (program,) = (await status(house))["programs"]
    return bool(program["viewers"] == viewers)


async def silent(*houses: FarHouse) -> bool:
    """Whether no picture goes out anywhere for half a second."""
    counts = []
    for _ in range(2):
        counts.append([(await status(h))["programs"][0]["packets"]["video"] for h in houses])
        await asyncio.sleep(0.5)
    return counts[0] == counts[1] and not any([(await status(h))["feeds"] for h in houses])


async def test_the_studio_that_moves_takes_everybody_with_it(relays: tuple[Village, Relays]) -> None:
    """A studio goes to another relay while its old one lives on: nobody stays with a slate."""
    _, found = relays
    one, two, far = found.houses
    studio = await publish(one, **SMALL)
    await comes_true(lambda: found.has(one, SHOW))
    async with watching(far) as eye, watching(one) as stays:
        await studio.delete()
        moved = await publish(two, **OTHER)
        await eye.sees(10, OTHER["width"])
        await stays.sees(10, OTHER["width"])
        await moved.close()
    await studio.close()
