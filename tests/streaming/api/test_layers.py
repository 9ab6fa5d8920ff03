"""WHEP's choice of layers: offered with the session, taken by name, given back by an empty wish."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from streaming.domain.ladder import Rung
from streaming.relay.viewer import Viewer
from tests.streaming.browser import PUBLISHER, SIMULCAST, open_browser
from tests.streaming.house import SHOW, open_house, post_offer, until
from tests.streaming.offers import offer

RUNGS = tuple(Rung(name, bps) for name, bps in (("q", 150_000), ("h", 500_000), ("f", 2_000_000)))


@pytest.mark.browser
async def test_a_player_takes_a_layer_by_name_until_it_gives_it_back(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_browser() as studio, aiohttp.ClientSession() as http:
        relay = house.process.relay
        program = relay.shows.programs[SHOW]
        asked = {"url": f"{house.url}/whip/st-1", "token": house.publish_token(), "encodings": SIMULCAST}
        await studio.evaluate(PUBLISHER, asked)
        await until(lambda: program.layered and any(r.bps for r in program.video.values()))
        status, _, headers = await post_offer(f"{house.url}/whep/{SHOW}", house.view_token(), offer())
        assert status == 201
        session = house.url + headers["Location"]
        assert f'<{headers["Location"]}/layer>; rel="urn:ietf:params:whep:ext:core:layer"' in headers.getall(
            "Link"
        )
        (seated,) = (each for each in relay.seated.values() if each.prefix == "whep")
        viewer = seated.peer
        assert isinstance(viewer, Viewer)
        bearer = {"Authorization": f"Bearer {house.view_token()}"}

        async def wish(body: object, expected: int, **headers: str) -> None:
            async with http.post(f"{session}/layer", json=body, headers=headers or bearer) as answer:
                assert answer.status == expected, await answer.text()

        name = next(r.name for r in program.video.values() if r.bps)
        await wish({"mediaId": "0", "rid": name}, 401, Accept="*/*")
        await wish({"mediaId": "0", "rid": name}, 200)
        assert viewer.layer == name
        await wish({"rid": "nobody"}, 422)
        await wish({"mediaId": "7", "rid": name}, 422)
        await wish({"maxHeight": 360}, 422)
        await wish({"rid": 7}, 400)
        await wish(["q"], 400)
        assert viewer.layer == name
        for rung in RUNGS:
            viewer.layer = rung.name
            assert viewer.due(0.0)
            assert viewer.adapt(RUNGS, 0.0) == rung.name
        await wish({"mediaId": "0"}, 200)
        assert viewer.layer is None
