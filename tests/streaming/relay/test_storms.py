"""Peers that ask for too much: storms of NACK and PLI, sessions opened and abandoned, tokens of elsewhere."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from streaming.contract import ShowId
from streaming.relay.feed import KEYFRAME_SECONDS_MIN
from streaming.relay.relay import Relay, Unavailable
from streaming.relay.viewer import Viewer
from streaming.rtc import rtcp
from streaming.rtc.sdp import parse_offer
from streaming.rtc.session import HANDSHAKE_SECONDS
from tests.streaming.house import SHOW, STUDIO, open_house, post_offer, publish, until, watch
from tests.streaming.offers import offer

SMALL = {"width": 320, "height": 180}


def the_viewer(relay: Relay) -> Viewer:
    (found,) = (each.peer for each in relay.seated.values() if isinstance(each.peer, Viewer))
    return found


async def test_a_storm_of_nacks_costs_no_more_than_its_budget(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        peer = await watch(house)
        await until(lambda: relay.shows.programs[SHOW].packets["video"] > 60 and relay.shows.viewers() == 1)
        viewer = the_viewer(relay)
        span = viewer._spans["video"][-1]
        newest, now = span.stream.newest + span.offset, relay.clock.now()
        asked = [(newest - back) & 0xFFFF for back in range(40)]
        for _ in range(1_000):  # all within one moment
            viewer.rtcp_came(rtcp.nack(1, viewer._ssrcs.video, asked), now)
        assert viewer.figures.nacked == 40_000
        assert 0 < viewer.figures.resent <= 40  # a packet once a round trip, whoever asks how often
        viewer.rtcp_came(rtcp.nack(1, 12_345, asked), now)  # of a stream that is none of ours
        assert viewer.figures.nacked == 40_000
        for each in (peer, studio):
            await each.close()


async def test_a_storm_of_plis_reaches_the_studio_as_a_few(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        relay = house.process.relay
        studio = await publish(house, gop=600, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        peer = await watch(house)
        await until(lambda: relay.shows.viewers() == 1)
        viewer, feed = the_viewer(relay), relay.feeds[STUDIO]
        said: list[bytes] = []
        feed._say = said.append  # type: ignore[method-assign]  # the last step before the sender
        now = relay.clock.now()
        for n in range(10_000):  # five thousand a second
            viewer.rtcp_came(rtcp.picture_loss(1, viewer._ssrcs.video), now + n / 5_000)
        assert viewer.figures.keyframe_requests == 10_000
        assert 1 <= len(said) <= 2 / KEYFRAME_SECONDS_MIN + 1
        for each in (peer, studio):
            await each.close()


async def test_a_thousand_sessions_that_nobody_comes_to_leave_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        before, refused = len(relay.seated), 0
        parsed = parse_offer(offer())
        for _ in range(1_000):
            try:
                relay.watch(SHOW, parsed)
            except Unavailable:
                refused += 1
        assert refused == 1_000 - relay.limits.half_open
        assert relay.attendance.half_open == relay.limits.half_open
        relay.heart.every_second(relay.clock.now() + HANDSHAKE_SECONDS + 1)  # the studio is heard
        assert len(relay.seated) == before
        assert (relay.attendance.half_open, relay.attendance.viewers) == (0, 0)
        assert len(relay.port._by_fragment) == before
        assert house.process.fanout.totals().viewers <= before
        peer = await watch(house)  # and somebody who means it is served
        await until(lambda: relay.shows.viewers() == 1)
        for each in (peer, studio):
            await each.close()


async def test_a_token_of_another_show_opens_and_ends_nothing(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, aiohttp.ClientSession() as http:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        stranger = house.view_token(ShowId("sh-2"))
        url = f"{house.url}/whep/{SHOW}"
        assert (await post_offer(url, stranger, offer()))[0] == 403
        _, _, headers = await post_offer(url, house.view_token(), offer())
        session = house.url + headers["Location"]
        bearer = {"Authorization": f"Bearer {stranger}"}
        for method, address in (
            ("DELETE", session),
            ("PATCH", session),
            ("POST", f"{session}/events"),
            ("POST", f"{session}/layer"),
            ("DELETE", session.replace(f"/whep/{SHOW}", "/whep/sh-2")),
        ):
            async with http.request(method, address, headers=bearer) as answer:
                assert answer.status == (404 if "sh-2" in address else 403)
        assert relay.attendance.viewers == 1
        await studio.close()
