"""The relay meets every demand; the counterpart of the studio's tests meets the basic ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.interop.conformance import run
from tests.interop.endpoint import DEMANDS, Demand, Endpoint
from tests.streaming.house import SHOW, STUDIO, House, open_house, publish, until
from tests.studio_agent.receiver import Receiver, running

BASIC = [each for each in DEMANDS if each.basic]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("each", DEMANDS, ids=lambda each: each.name)
async def test_whip_of_the_relay(house: House, each: Demand) -> None:
    async with aiohttp.ClientSession() as http:
        await each.check(Endpoint("whip", f"{house.url}/whip/{STUDIO}", house.publish_token(), http))


async def test_whep_of_the_relay(house: House) -> None:
    studio = await publish(house)
    await until(lambda: house.process.relay.shows.programs[SHOW].started)
    report = await run("whep", f"{house.url}/whep/{SHOW}", house.view_token(), DEMANDS)
    await studio.close()
    assert report.broken == {}
    assert report.met == len(DEMANDS)


@pytest.mark.parametrize("each", BASIC, ids=lambda each: each.name)
async def test_whip_of_the_counterpart(each: Demand) -> None:
    async with running(Receiver(token="t0ken")) as server, aiohttp.ClientSession() as http:
        await each.check(Endpoint("whip", str(server.make_url("/whip/main")), "t0ken", http))
