"""WHEP's event streams: offered with the session, opened by its owner, read by address, gone with it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import urljoin

import aiohttp

from tests.streaming.house import SHOW, House, open_house, post_offer, publish, until
from tests.streaming.offers import offer


async def viewer(house: House) -> tuple[str, str]:
    """The session's address and that of its events."""
    token = house.view_token()
    status, _, headers = await post_offer(f"{house.url}/whep/{SHOW}", token, offer())
    assert status == 201
    found = re.match(r'<(.+?)>; rel="urn:ietf:params:whep:ext:core:server-sent-events"', headers["Link"])
    assert found is not None
    return house.url + headers["Location"], urljoin(house.url, found[1])


async def next_event(response: aiohttp.ClientResponse) -> tuple[str, str]:
    async with asyncio.timeout(30):
        lines = []
        while len(lines) < 2:
            line = (await response.content.readline()).decode().strip()
            assert not response.content.at_eof()
            if line.startswith(("event:", "data:")):
                lines.append(line.partition(": ")[2])
    return lines[0], lines[1]


async def test_a_player_hears_of_its_program_and_that_the_relay_drains(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_DRAIN_SECONDS="60") as house, aiohttp.ClientSession() as http:
        studio = await publish(house, width=320, height=180)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        session, events = await viewer(house)
        bearer = {"Authorization": f"Bearer {house.view_token()}"}
        assert (await http.post(events)).status == 401
        assert (await http.post(events, headers=bearer, json={"no": "array"})).status == 400
        assert (await http.post(events, headers=bearer, json=["active", "scte35"])).status == 400
        asked = ["active", "reconnect"]
        made = await http.post(events, headers=bearer, json=asked)
        assert made.status == 201
        stream = house.url + made.headers["Location"]
        async with http.get(stream) as response:
            assert response.content_type == "text/event-stream"
            assert await next_event(response) == ("active", "{}")
            house.process.relay.departure.begin(60)
            assert await next_event(response) == ("reconnect", "{}")
            assert house.process.relay.seated  # it may stay until it has another session, or time is up
            assert (await http.delete(session, headers=bearer)).status == 200
            async with asyncio.timeout(30):
                assert (await response.content.read()).strip() == b""
        assert (await http.get(stream)).status == 404
        await studio.close()


async def test_a_stream_that_its_reader_deletes_is_gone(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, aiohttp.ClientSession() as http:
        studio = await publish(house, width=320, height=180)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        _, events = await viewer(house)
        bearer = {"Authorization": f"Bearer {house.view_token()}"}
        made = [await http.post(events, headers=bearer) for _ in range(3)]
        streams = [house.url + each.headers["Location"] for each in made]
        assert (await http.get(streams[0])).status == 404  # the oldest gave way: two a session
        assert (await http.delete(streams[1])).status == 200
        assert (await http.delete(streams[1])).status == 404
        await studio.close()
