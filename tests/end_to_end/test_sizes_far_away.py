"""A studio that sends three sizes, and who watches on a relay that it does not know: all sizes are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from streaming.relay.program import Program
from streaming.relay.pulled import Pulled
from tests.end_to_end.processes import Process
from tests.end_to_end.relays import FarHouse, comes_true, several
from tests.servers import Server
from tests.streaming.browser import PLAYER, STATS, open_browser
from tests.streaming.house import SHOW, STUDIO, House, post_offer, publish, until
from tests.streaming.network import Network
from tests.streaming.offers import offer
from tests.streaming.relay.test_upstream import join, size_comes, street

WAIT_MS = 60_000
SIZES = {"f", "h", "q"}


@asynccontextmanager
async def studio(house: House, folder: Path, port: int) -> AsyncIterator[None]:
    """The agent with three sizes, publishing to this relay."""
    agent = Process(
        "studio_agent",
        folder / "agent.log",
        f"http://127.0.0.1:{port}/healthz",
        STUDIO_HTTP=f"127.0.0.1:{port}",
        STUDIO_WHIP=f"{house.url}/whip/{STUDIO}",
        STUDIO_TOKEN=house.publish_token(),
        STUDIO_PRESET="ultrafast",
        STUDIO_LAYERS="3",
    )
    await agent.start()
    try:
        yield
    finally:
        await agent.end()


def whole(program: Program) -> bool:
    """Whether every size goes out and is measured."""
    return set(program.video) == SIZES and all(each.bps for each in program.video.values())


def are_of_one_time(programs: list[Program]) -> bool:
    """Whichever size and wherever; a relay that has just begun is a group of pictures behind for a moment."""
    times = [each.last or 0 for program in programs for each in program.video.values()]
    return max(times) - min(times) < 90_000


async def test_every_size_is_pulled_given_on_and_found_again(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    async with street(tmp_path, free_port, 3) as relays, studio(relays.houses[0], tmp_path, free_port()):
        near, far, farther = relays.houses
        programs = [house.process.relay.shows.programs[SHOW] for house in relays.houses]
        await until(lambda: whole(programs[0]))
        first = await join(far)
        upstreams = farther.process.relay.upstreams
        assert upstreams is not None
        upstreams._failed_s["r0"] = 1e9  # type: ignore[index]  # out of its reach
        second = await join(farther)
        await until(lambda: all(whole(program) for program in programs))
        assert upstreams.links[SHOW].source.relay == "r1"
        assert farther.process.relay.calls.open == 3
        await until(lambda: are_of_one_time(programs))
        await size_comes(second, 1280)
        async with aiohttp.ClientSession() as http:
            bearer = {"Authorization": f"Bearer {farther.view_token()}"}
            assert (
                await http.post(f"{second.resource}/layer", json={"rid": "q"}, headers=bearer)
            ).status == 200
        await size_comes(second, 320)
        upstreams._failed_s.clear()
        far.process.port.close()  # deaf and dumb, as a machine that lost its power
        relays.houses.remove(far)
        await until(lambda: SHOW in upstreams.links and upstreams.links[SHOW].source.relay == "r0")
        await until(
            lambda: isinstance(feed := farther.process.relay.pulls.get(SHOW), Pulled) and len(feed.parts) == 3
        )
        await size_comes(second, 320)  # the same session goes on, in the size that it chose
        assert near.process.relay.shows.programs[SHOW].audience == 0
        other = await publish(near, width=480, height=270)  # takes the studio over, with one size alone
        await size_comes(second, 480)
        assert set(farther.process.relay.pulls[SHOW].layers) == {""}
        for peer in (first, second, other):
            await peer.close()


async def layers_of(house: FarHouse) -> None:
    """Until a player hears a `layers` event there that names every size."""
    async with aiohttp.ClientSession() as http:
        bearer = {"Authorization": f"Bearer {house.view_token()}"}
        while True:
            status, _, headers = await post_offer(f"{house.url}/whep/{SHOW}", house.view_token(), offer())
            if status == 201:
                break
            await asyncio.sleep(0.1)
        session = urljoin(house.url, headers["Location"])
        made = await http.post(f"{session}/events", headers=bearer, json=["layers"])
        async with asyncio.timeout(40), http.get(urljoin(house.url, made.headers["Location"])) as stream:
            line = b""
            while not all(f'"rid":"{size}"'.encode() in line for size in SIZES):  # they come one by one
                assert not stream.content.at_eof()
                line = await stream.content.readline()
        await http.delete(session, headers=bearer)


@pytest.mark.browser
async def test_a_lean_viewer_on_the_third_relay_gets_the_size_that_fits(
    valkey: Server, tmp_path: Path, free_port: Callable[[], int], request: pytest.FixtureRequest
) -> None:
    udp = free_port()
    network = Network(udp)
    request.addfinalizer(network.close)
    third = {"RELAY_UDP": f"127.0.0.1:{udp}", "RELAY_ANNOUNCE": f"127.0.0.1:{network.port}", "RELAY_TCP": "0"}
    async with (
        several(valkey.url, tmp_path, free_port, 3, last=third) as relays,
        studio(relays.houses[0], tmp_path, free_port()),
        open_browser() as page,
    ):
        near, second, far = relays.houses
        await comes_true(lambda: relays.has(near, SHOW))
        for house in (second, far):
            await layers_of(house)
        network.spare()
        await page.evaluate(PLAYER, {"url": f"{far.url}/whep/{SHOW}", "token": far.view_token()})
        await page.wait_for_function("frames.length && frames.at(-1).width === 1280", timeout=WAIT_MS)
        network.rate_bps = 400_000
        await page.wait_for_function("frames.at(-1).width === 320", timeout=WAIT_MS)
        network.rate_bps = None
        await page.wait_for_function("frames.at(-1).width === 1280", timeout=WAIT_MS)
        stamps = await page.evaluate("frames.map(f => f.rtp)")
        assert stamps == sorted(stamps)
        assert (await page.evaluate(STATS))["inbound-rtp video"]["framesDecoded"] > 30
        assert await relays.viewers(far, 1)
