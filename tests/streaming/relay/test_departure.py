"""A relay that drains: nobody new, its viewers move, other relays keep the program, and it ends in time."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp

from streaming.process import Load, entry_of
from tests.streaming.house import SHOW, House, open_house, post_offer, publish, until, watch
from tests.streaming.offers import offer
from tests.streaming.relay.test_upstream import SMALL, join, shown, street


async def order(house: House, token: str, method: str = "POST") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"{house.url}/drain", headers=headers) as response,
    ):
        return response.status


async def test_only_an_operator_drains_and_then_nobody_new_is_taken(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert await order(house, house.view_token()) == 403
        assert await order(house, house.token("operate")) == 202
        relay = house.process.relay
        assert entry_of(house.process.settings, relay, Load()).draining is True
        for place, token in ((f"whep/{SHOW}", house.view_token()), ("whip/st-1", house.publish_token())):
            status, text, headers = await post_offer(
                f"{house.url}/{place}", token, offer("recvonly" if "whep" in place else "sendonly")
            )
            assert (status, '"draining"' in text) == (503, True)
            assert headers["Retry-After"] == "1"


async def test_a_relay_that_ends_takes_nobody_whom_it_could_not_tell(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        house.process.relay.departure.close()
        for path, token, way in (
            (f"whep/{SHOW}", house.view_token(), "recvonly"),
            (f"whep/{SHOW}", house.token("relay"), "recvonly"),
            ("whip/st-1", house.publish_token(), "sendonly"),
        ):
            status, _, headers = await post_offer(f"{house.url}/{path}", token, offer(way))
            assert (status, headers["Retry-After"]) == (503, "1")
        assert house.process.relay.seated == {}


async def test_an_operator_may_take_it_back_unless_the_process_ends(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        operator, relay = house.token("operate"), house.process.relay
        assert await order(house, operator) == 202
        assert await order(house, house.view_token(), "DELETE") == 403
        assert await order(house, operator, "DELETE") == 200
        assert entry_of(house.process.settings, relay, Load()).draining is False
        url = f"{house.url}/whip/st-1"
        assert (await post_offer(url, house.publish_token(), offer("sendonly")))[0] == 201
        relay.departure.begin(5, final=True)
        assert await order(house, operator, "DELETE") == 409
        assert relay.departure.begun


async def test_who_is_turned_away_is_sent_to_a_relay_with_room_unless_a_browser(
    tmp_path: Path, free_port: object
) -> None:
    async with street(tmp_path, free_port, 2) as relays:
        near, far = relays.houses
        await until(lambda: near.process.relay.telling.elsewhere() == far.url)
        near.process.relay.departure.begin(5)
        for path, token in ((f"/whep/{SHOW}", near.view_token()), ("/whip/st-1", near.publish_token())):
            direction = "recvonly" if "whep" in path else "sendonly"
            asked = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
            async with aiohttp.ClientSession() as http:
                for origin, status in (({}, 307), ({"Origin": "https://shop.example"}, 503)):
                    answer = await http.post(
                        near.url + path, data=offer(direction), headers=asked | origin, allow_redirects=False
                    )
                    assert answer.status == status
                    assert answer.headers.get("Location") == (far.url + path if status == 307 else None)
        far.process.relay.departure.begin(5)
        await until(lambda: near.process.relay.telling.elsewhere() is None)
        assert (await post_offer(near.url + "/whip/st-1", near.publish_token(), offer("sendonly")))[0] == 503


async def test_viewers_move_to_another_relay_that_still_pulls_from_the_one_that_ends(
    tmp_path: Path, free_port: object
) -> None:
    async with street(tmp_path, free_port, 2, RELAY_DRAIN_SECONDS="3") as relays:
        near, far = relays.houses
        studio = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        viewer = await watch(near)
        await shown(viewer)
        began = time.monotonic()
        ending = asyncio.create_task(near.process.drain())
        moved = await join(far)  # pulled from the relay that drains
        await shown(moved)
        await ending
        assert time.monotonic() - began < 20  # three seconds by its setting, on a busy machine
        assert near.process.relay.totals.ended["the relay drains"] == 1
        assert far.process.relay.shows.programs[SHOW].live
        for peer in (viewer, moved, studio):
            await peer.close()


async def test_where_there_is_no_other_relay_nobody_waits(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_DRAIN_SECONDS="30") as house:
        assert (await post_offer(f"{house.url}/whip/st-1", house.publish_token(), offer("sendonly")))[
            0
        ] == 201
        began = time.monotonic()
        await house.process.drain()
        assert time.monotonic() - began < 15  # half of what the setting gives
        assert not house.process.relay.departure.begun
