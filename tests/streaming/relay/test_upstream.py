"""One show on several relays: pulled from the one that the studio publishes to, re-homed when it dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streaming.contract import ShowId, Stage, StudioId
from streaming.process import Load, entry_of
from streaming.relay.upstream import Upstreams
from tests.streaming.browser import PLAYER, open_browser
from tests.streaming.house import SHOW, STUDIO, House, Peer, open_house, post_offer, publish, until, watch
from tests.streaming.offers import offer

WAIT_MS = 40_000
SMALL = {"width": 320, "height": 180}


class Street:
    """Relays that see each other, without a Redis between them."""

    def __init__(self) -> None:
        self.houses: list[House] = []

    async def gossip(self) -> None:
        while True:
            entries = []
            for house in self.houses:
                entry = entry_of(house.process.settings, house.process.relay, Load())
                entries.append(entry)
            for house in self.houses:
                upstreams = house.process.relay.upstreams
                assert isinstance(upstreams, Upstreams)
                upstreams.neighbours(entries)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def street(
    folder: Path, free_port: object, count: int, stages: list[dict[str, object]] | None = None, **environ: str
) -> AsyncIterator[Street]:
    key = Ed25519PrivateKey.generate()
    token = folder / "relay.token"
    token.write_text(House(folder, key).token("relay", expires_in=600))
    found = Street()
    async with AsyncExitStack() as stack:
        for number in range(count):
            place = folder / f"r{number}"
            place.mkdir()
            http = free_port()  # type: ignore[operator]  # a fixture that makes ports
            settings = {
                "RELAY_ID": f"r{number}",
                "RELAY_HTTP": f"127.0.0.1:{http}",
                "RELAY_TOKEN_FILE": str(token),
                **environ,
            }
            found.houses.append(
                await stack.enter_async_context(open_house(place, stages, key=key, **settings))
            )
        gossip = asyncio.create_task(found.gossip())
        try:
            yield found
        finally:
            gossip.cancel()
            with suppress(asyncio.CancelledError):
                await gossip


async def join(house: House, show: ShowId = SHOW) -> Peer:
    """A viewer that asks again while the show is being pulled, as players do."""
    async with asyncio.timeout(40):
        while True:
            token = house.view_token(show)
            status, _, headers = await post_offer(f"{house.url}/whep/{show}", token, offer())
            if status == 201:
                return await watch(house, show)
            assert status == 409
            assert headers["Retry-After"] == "1"
            await asyncio.sleep(0.1)


async def shown(viewer: Peer, frames: int = 5) -> tuple[int, int]:
    track = viewer.connection.getTransceivers()[0].receiver.track
    async with asyncio.timeout(40):
        for _ in range(frames):
            frame = await track.recv()
    return frame.width, frame.pts


async def test_a_show_is_watched_on_a_relay_that_its_studio_does_not_know(
    tmp_path: Path, free_port: object
) -> None:
    async with street(tmp_path, free_port, 2) as relays:
        near, far = relays.houses
        studio = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        viewer = await join(far)
        assert (await shown(viewer))[0] == 320
        here, there = (house.process.relay.shows.programs[SHOW] for house in (near, far))
        # A pin names one moment: program time is the same on both.
        assert here.clock.last_ticks == pytest.approx(there.clock.last_ticks, abs=90_000)
        assert here.audience == 0
        assert far.process.relay.giving.publishes_here(STUDIO) is False
        sound = far.process.relay.pulls[SHOW].tracks["audio"]
        assert sound.terms.red_inside is not None  # so that what is lost between them is in the next packet
        await until(lambda: there.packets["audio"] > 20)
        for peer in (viewer, studio):
            await peer.close()


async def test_two_relays_pull_several_shows_from_each_other(tmp_path: Path, free_port: object) -> None:
    shows = [(ShowId(f"sh-{n}"), StudioId(f"st-{n}")) for n in range(3)]
    stages = [{"show": show, "version": 1, "on_air": True, "studio": studio} for show, studio in shows]
    async with street(tmp_path, free_port, 2, stages) as relays:
        near, far = relays.houses
        studios = [await publish(near, shows[0][1], **SMALL), await publish(near, shows[1][1], **SMALL)]
        studios.append(await publish(far, shows[2][1], **SMALL))
        for house, show in ((near, shows[0][0]), (near, shows[1][0]), (far, shows[2][0])):
            await until(lambda h=house, s=show: h.process.relay.shows.programs[s].started)
        viewers = [await join(far, shows[0][0]), await join(far, shows[1][0]), await join(near, shows[2][0])]
        for viewer in viewers:
            assert (await shown(viewer))[0] == 320
        for peer in (*viewers, *studios):
            await peer.close()


async def test_what_was_pulled_is_given_on_once_and_never_back(tmp_path: Path, free_port: object) -> None:
    async with street(tmp_path, free_port, 3) as relays:
        near, far, farther = relays.houses
        studio = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        viewer = await join(far)
        farther.process.relay.upstreams._failed_s["r0"] = 1e9  # type: ignore[union-attr]  # out of its reach
        second = await join(farther)
        assert farther.process.relay.upstreams.links[SHOW].source.relay == "r1"  # type: ignore[union-attr]  # as set
        token = far.token("relay")

        async def ask(house: House, asker: str) -> tuple[int, str | None]:
            url = f"{house.url}/whep/{SHOW}"
            status, _, headers = await post_offer(url, token, offer(), **{"Relay-Id": asker})
            return status, headers.get("Relay-Steps")

        assert await ask(near, "r9") == (201, "0")
        assert await ask(far, "r9") == (201, "1")
        assert await ask(far, "r0") == (409, None)  # its own source
        assert await ask(farther, "r9") == (409, None)
        assert (await shown(second))[0] == 320
        await studio.delete()  # whoever got the show from here is sent away, so that nobody feeds a ring
        await until(lambda: not any(seated.relays for seated in far.process.relay.seated.values()))
        assert far.process.relay.totals.ended["there is no studio here to give on"] >= 1
        for peer in (viewer, second, studio):
            await peer.close()


async def test_no_pull_takes_the_place_of_the_studio_itself(tmp_path: Path, free_port: object) -> None:
    async with street(tmp_path, free_port, 2) as relays:
        near, far = relays.houses
        elsewhere = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        viewer = await join(far)
        own = await publish(far, width=480, height=270)
        await until(lambda: far.process.relay.giving.publishes_here(STUDIO))
        async with asyncio.timeout(40):
            while (await shown(viewer, 1))[0] != 480:
                pass
        assert far.process.relay.giving.publishes_here(STUDIO)
        for peer in (viewer, own, elsewhere):
            await peer.close()


async def test_viewers_stay_while_their_relays_source_dies_and_the_studio_moves(
    tmp_path: Path, free_port: object
) -> None:
    async with street(tmp_path, free_port, 3) as relays:
        first, second, third = relays.houses
        studio = await publish(first, **SMALL)
        await until(lambda: first.process.relay.shows.programs[SHOW].started)
        viewer = await join(third)
        await shown(viewer)
        first.process.port.close()  # deaf and dumb, as a machine that lost its power
        relays.houses.remove(first)
        again = await publish(second, width=480, height=270)
        async with asyncio.timeout(40):
            while (await shown(viewer, 1))[0] != 480:
                pass
        links = third.process.relay.upstreams
        assert links is not None
        assert links.links[SHOW].source.relay == "r1"
        for peer in (viewer, studio, again):
            await peer.close()


async def test_a_viewer_stays_while_its_relay_pulls_one_studio_after_the_other(
    tmp_path: Path, free_port: object
) -> None:
    """The second publishes beside the first, the third elsewhere (see test_turning.py for the slate)."""
    second, third = StudioId("st-2"), StudioId("st-3")
    async with street(tmp_path, free_port, 3, RELAY_SLATE="1") as relays:
        near, other, far = relays.houses
        studios = [await publish(near, **SMALL), await publish(near, second, width=480, height=270)]
        studios.append(await publish(other, third, width=640, height=360))
        await until(lambda: all("H264" in h.process.relay.shows.pictures for h in relays.houses))
        await until(lambda: near.process.relay.shows.programs[SHOW].live)
        viewer = await join(far)
        await size_comes(viewer, 320)
        watched = far.process.relay.totals.watched
        for version, (studio, width) in enumerate(
            [(second, 480), (third, 640), (STUDIO, 320), (second, 480)], 2
        ):
            for house in relays.houses:
                house.process.relay.shows.set_stage(Stage(SHOW, version, True, studio))
            await size_comes(viewer, width)
        assert far.process.relay.totals.watched == watched
        for peer in (viewer, *studios):
            await peer.close()


async def size_comes(viewer: Peer, width: int) -> None:
    """Until ten pictures in a row are so wide."""
    row = 0
    async with asyncio.timeout(40):
        while row < 10:
            row = row + 1 if (await shown(viewer, 1))[0] == width else 0


async def test_a_show_that_nobody_watches_is_not_pulled(tmp_path: Path, free_port: object) -> None:
    async with street(tmp_path, free_port, 2) as relays:
        near, far = relays.houses
        studio = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        await asyncio.sleep(0.5)
        upstreams = far.process.relay.upstreams
        assert upstreams is not None
        assert upstreams.links == {}
        await studio.close()


async def test_without_the_shops_token_nothing_is_pulled(tmp_path: Path, free_port: object) -> None:
    async with street(tmp_path, free_port, 2, RELAY_TOKEN_FILE=str(tmp_path / "none")) as relays:
        near, far = relays.houses
        studio = await publish(near, **SMALL)
        await until(lambda: near.process.relay.shows.programs[SHOW].started)
        assert (await post_offer(f"{far.url}/whep/{SHOW}", far.view_token(), offer()))[0] == 409
        upstreams = far.process.relay.upstreams
        assert upstreams is not None
        await until(lambda: upstreams.refused > 0)
        await studio.close()


@pytest.mark.browser
async def test_chromium_stays_on_a_pulling_relay_while_studios_change_and_restart(
    tmp_path: Path, free_port: object
) -> None:
    """Cuts between feeds, to the slate and back, a studio that is replaced: one connection for all of it."""
    async with street(tmp_path, free_port, 2) as relays, open_browser() as page:
        near, far = (house.process.relay for house in relays.houses)
        origin, other = relays.houses[0], StudioId("st-2")

        def wish(version: int, studio: StudioId | None) -> None:
            for relay in (near, far):
                relay.shows.set_stage(Stage(SHOW, version, True, studio))

        studio = await publish(origin, width=640, height=360)
        await until(lambda: near.shows.programs[SHOW].live)
        first = await join(relays.houses[1])  # the show is pulled from now on
        await first.delete()
        await first.close()
        await page.evaluate(
            PLAYER, {"url": f"{relays.houses[1].url}/whep/{SHOW}", "token": far_token(relays)}
        )
        await page.wait_for_function("frames.length >= 30 && frames.at(-1).width === 640", timeout=WAIT_MS)
        watched = far.totals.watched
        second = await publish(origin, other, width=320, height=180)
        await until(lambda: len(near.feeds) == 2)
        wish(2, other)
        await page.wait_for_function("frames.at(-1).width === 320", timeout=WAIT_MS)
        newer = await publish(origin, other, width=480, height=270)  # takes its place, in another size
        await page.wait_for_function("frames.at(-1).width === 480", timeout=WAIT_MS)
        await newer.delete()
        await until(lambda: not far.shows.programs[SHOW].live)
        wish(3, STUDIO)
        await page.wait_for_function("frames.at(-1).width === 640", timeout=WAIT_MS)
        assert far.totals.watched == watched
        assert await page.evaluate("peer.connectionState") == "connected"
        times = await page.evaluate("frames.map(f => f.rtp)")
        assert times == sorted(times)
        for peer in (studio, second, newer):
            await peer.close()


def far_token(relays: Street) -> str:
    return relays.houses[1].view_token()
