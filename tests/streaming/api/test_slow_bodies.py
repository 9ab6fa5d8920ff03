"""What happens while a request's body is on its way: it is judged by what is true when it has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from streaming.contract import StudioId
from tests.streaming.api.test_counter import VP8
from tests.streaming.api.test_events import viewer
from tests.streaming.house import SHOW, House, open_house, post_offer, publish, until
from tests.streaming.offers import offer

ON_ITS_WAY_SECONDS = 0.2  # the relay has read the head by then; else it answers the same, only sooner


async def slowly(body: str, meanwhile: Callable[[], Any]) -> AsyncIterator[bytes]:
    half = len(body) // 2
    yield body[:half].encode()
    await asyncio.sleep(ON_ITS_WAY_SECONDS)
    done = meanwhile()
    if asyncio.iscoroutine(done):
        await done
    yield body[half:].encode()


async def ask(
    house: House, method: str, path: str, token: str, *, kind: str, body: str, meanwhile: Callable[[], Any]
) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    url = house.url + path if path.startswith("/") else path
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, data=slowly(body, meanwhile), headers=headers) as response,
    ):
        return response.status


async def test_a_studio_that_was_revoked_while_it_offered_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        relay = house.process.relay
        status = await ask(
            house,
            "POST",
            "/whip/st-1",
            house.publish_token(),
            kind="application/sdp",
            body=offer("sendonly"),
            meanwhile=lambda: relay.raise_generation(StudioId("st-1"), 9),
        )
        assert status == 401
        assert relay.seated == {}


async def test_events_of_a_session_that_ended_while_it_asked_are_not_opened(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        studio = await publish(house, width=320, height=180)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        session, events = await viewer(house)
        bearer = {"Authorization": f"Bearer {house.view_token()}"}

        async def leave() -> None:
            async with aiohttp.ClientSession() as http, http.delete(session, headers=bearer) as response:
                assert response.status == 200

        status = await ask(
            house,
            "POST",
            events,
            house.view_token(),
            kind="application/json",
            body='["active", "inactive"]',
            meanwhile=leave,
        )
        assert status == 404
        assert house.process.relay.telling._streams == {}
        await studio.close()


async def test_an_offer_of_ours_that_is_answered_twice_at_once_opens_one_session(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        studio = await publish(house, width=320, height=180)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        status, _, headers = await post_offer(
            f"{house.url}/whep/{SHOW}", house.view_token(), offer(codecs=VP8)
        )
        assert status == 406
        patch = partial(ask, house, "PATCH", headers["Location"], house.view_token())
        answers = [patch(kind="application/sdp", body=offer(), meanwhile=lambda: None) for _ in range(2)]
        first, second = sorted(await asyncio.gather(*answers))
        assert first == 204
        assert second in (409, 415)
        assert house.process.relay.attendance.viewers == 1
        await studio.close()
