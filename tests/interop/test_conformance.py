"""The relay meets every demand; the counterpart of the studio's tests meets the basic ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from streaming.contract import ShowId, StudioId
from tests.interop.conformance import run
from tests.interop.endpoint import DEMANDS, Demand, Endpoint
from tests.streaming.house import SHOW, STAGE, STUDIO, House, open_house, publish, until
from tests.streaming.relay.test_upstream import SMALL, street
from tests.studio_agent.receiver import Receiver, running

FLOOD = 2_000
STANDBY = {**STAGE, "show": "sh-standby", "on_air": False}
IDLE = [each for each in DEMANDS if each.needs == "idle_url"]
TURNED_AWAY = [each for each in DEMANDS if each.needs in ("moved_url", "full_url")]
BASIC = [each for each in DEMANDS if each.basic]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, [STAGE, STANDBY]) as opened:
        yield opened


@pytest.mark.parametrize(
    "each", [d for d in DEMANDS if "whip" in d.kinds and d not in TURNED_AWAY], ids=lambda each: each.name
)
async def test_whip_of_the_relay(house: House, each: Demand) -> None:
    async with aiohttp.ClientSession() as http:
        url = f"{house.url}/whip/{STUDIO}"
        await each.check(Endpoint("whip", url, house.publish_token(), http, flood=FLOOD, house=True))


async def test_whep_of_the_relay(house: House) -> None:
    studio = await publish(house)
    await until(lambda: house.process.relay.shows.programs[SHOW].started)
    idle = f"{house.url}/whep/sh-standby"
    first = await run("whep", idle, house.view_token(ShowId("sh-standby")), IDLE, idle_url=idle)
    url = f"{house.url}/whep/{SHOW}"
    report = await run("whep", url, house.view_token(), DEMANDS, flood=FLOOD, house=True)
    await studio.close()
    assert (report.broken, first.broken) == ({}, {})
    assert report.met + first.met == sum("whep" in d.kinds and d not in TURNED_AWAY for d in DEMANDS)


async def test_a_relay_that_turns_people_away(tmp_path: Path, free_port: Callable[[], int]) -> None:
    async with street(tmp_path, free_port, 2) as relays:
        near, far = relays.houses
        studio = await publish(far, **SMALL)
        await until(lambda: far.process.relay.shows.programs[SHOW].started)
        await until(lambda: near.process.relay.telling.elsewhere() == far.url)
        near.process.relay.departure.begin(60)
        for kind, path, token in (
            ("whip", "/whip/st-2", near.publish_token(StudioId("st-2"))),
            ("whep", f"/whep/{SHOW}", near.view_token()),
        ):
            url = near.url + path
            report = await run(kind, url, token, TURNED_AWAY, moved_url=url, full_url=url)
            assert (report.met, report.broken) == (2, {})
        await studio.close()


@pytest.mark.parametrize("each", BASIC, ids=lambda each: each.name)
async def test_whip_of_the_counterpart(each: Demand) -> None:
    async with running(Receiver(token="t0ken")) as server, aiohttp.ClientSession() as http:
        await each.check(Endpoint("whip", str(server.make_url("/whip/main")), "t0ken", http))
