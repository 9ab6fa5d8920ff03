"""What happens between studios, relay and viewers: cuts, losses, moves, ends."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiortc.mediastreams import MediaStreamError

from streaming.contract import ProgramCut, ProgramStarted, ShowId, Stage, StudioId
from streaming.relay.rendition import KEYFRAME_AGE_SECONDS
from streaming.rtc.session import CONSENT_SECONDS, HANDSHAKE_SECONDS
from tests.streaming.house import SHOW, STAGE, House, Peer, open_house, post_offer, publish, until, watch
from tests.streaming.network import Network
from tests.streaming.offers import offer

SMALL = {"width": 320, "height": 180}
VIDEO_CLOCK_HZ = 90_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def frames(peer: Peer, count: int, seconds: float = 40.0) -> list[int]:
    """Presentation times of the next frames that the viewer decoded."""
    track = peer.connection.getTransceivers()[0].receiver.track
    async with asyncio.timeout(seconds):
        return [(await track.recv()).pts for _ in range(count)]


async def test_the_newest_publisher_of_a_studio_wins_at_once(house: House) -> None:
    relay = house.process.relay
    first = await publish(house, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started)
    viewer = await watch(house)
    await frames(viewer, 10)
    second = await publish(house, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].cuts == 2)
    assert [s.peer for s in relay.seated.values() if s.prefix == "whip"] == list(relay.feeds.values())
    times = await frames(viewer, 40)
    assert times == sorted(times)
    assert max(b - a for a, b in itertools.pairwise(times)) < 90_000
    for peer in (viewer, first, second):
        await peer.close()


async def test_a_cut_to_another_studio_goes_on_in_program_time(house: House) -> None:
    relay = house.process.relay
    one, two = await publish(house, **SMALL), await publish(house, StudioId("st-2"), **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started and len(relay.feeds) == 2)
    viewer = await watch(house)
    before = await frames(viewer, 10)
    relay.shows.set_stage(Stage(SHOW, 2, True, StudioId("st-2")))
    await until(lambda: relay.shows.programs[SHOW].studio == "st-2")
    after = await frames(viewer, 40)
    assert [*before, *after] == sorted([*before, *after])
    cuts = [fact for fact in relay.shows.facts if isinstance(fact, ProgramCut)]
    assert [cut.studio for cut in cuts] == ["st-1", "st-2"]
    assert cuts[1].program_time > 0
    assert sum(isinstance(fact, ProgramStarted) for fact in relay.shows.facts) == 1
    for peer in (viewer, one, two):
        await peer.close()


async def test_an_older_stage_is_ignored(house: House) -> None:
    relay = house.process.relay
    relay.shows.set_stage(Stage(SHOW, 5, True, StudioId("st-2")))
    relay.shows.set_stage(Stage(SHOW, 4, False, None))
    assert relay.shows.stages[SHOW].version == 5
    assert SHOW in relay.shows.programs


async def test_a_show_that_goes_off_air_dismisses_its_viewers(house: House) -> None:
    relay = house.process.relay
    studio = await publish(house, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started)
    viewer = await watch(house)
    await until(lambda: relay.shows.viewers() == 1)
    relay.shows.set_stage(Stage(SHOW, 2, False, None))
    assert relay.shows.viewers() == 0
    assert relay.shows.programs == {}
    with pytest.raises(MediaStreamError):
        await frames(viewer, 1000)
    for peer in (viewer, studio):
        await peer.close()


async def test_requests_for_a_keyframe_are_merged(house: House) -> None:
    relay = house.process.relay
    studio = await publish(house, gop=300, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started)
    viewer = await watch(house)
    await until(lambda: bool(relay.shows.programs[SHOW].viewers))
    (watching,) = relay.shows.programs[SHOW].viewers
    feed = relay.feeds[StudioId("st-1")]
    said: list[bytes] = []
    feed._say = said.append  # type: ignore[method-assign]  # the last step before the sender
    feed.layers[""].keyframe_asked_s = -10.0
    now = house.process.relay.clock.now() + KEYFRAME_AGE_SECONDS
    for n in range(200):
        relay.shows.programs[SHOW].request_keyframe(watching, now + n / 1000)
    assert len(said) == 1
    await viewer.close()
    await studio.close()


@pytest.mark.parametrize("loss", [0.05])
async def test_what_a_viewer_loses_is_sent_again(tmp_path: Path, free_port, loss: float) -> None:  # type: ignore[no-untyped-def]  # a fixture
    udp = free_port()
    network = Network(udp)
    async with open_house(
        tmp_path, RELAY_UDP=f"127.0.0.1:{udp}", RELAY_ANNOUNCE=f"127.0.0.1:{network.port}"
    ) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        viewer = await watch(house)
        await frames(viewer, 5)
        network.down_loss = loss
        await frames(viewer, 120)
        seated = next(iter(relay.shows.programs[SHOW].viewers))
        assert network.lost > 0
        assert seated.figures.resent > 0  # type: ignore[attr-defined]  # the audience here is a Viewer
        for peer in (viewer, studio):
            await peer.close()
    network.close()


async def test_a_publishers_losses_are_asked_for_again(tmp_path: Path, free_port) -> None:  # type: ignore[no-untyped-def]  # a fixture
    udp = free_port()
    network = Network(udp)
    async with open_house(
        tmp_path, RELAY_UDP=f"127.0.0.1:{udp}", RELAY_ANNOUNCE=f"127.0.0.1:{network.port}"
    ) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        network.up_loss = 0.05
        losses = relay.feeds[StudioId("st-1")].tracks["video"].losses
        before = losses.received
        await until(lambda: losses.received > before + 250)
        assert network.lost > 3
        assert losses.given_up <= network.lost // 4
        await studio.close()
    network.close()


async def test_a_viewer_whose_address_changes_goes_on(tmp_path: Path, free_port) -> None:  # type: ignore[no-untyped-def]  # a fixture
    udp = free_port()
    network = Network(udp)
    async with open_house(
        tmp_path, RELAY_UDP=f"127.0.0.1:{udp}", RELAY_ANNOUNCE=f"127.0.0.1:{network.port}"
    ) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: relay.shows.programs[SHOW].started)
        network.spare()
        viewer = await watch(house)
        (session,) = (seated.session for seated in relay.seated.values() if seated.prefix == "whep")
        await until(lambda: session in house.process.port.strays._voices)  # it has reported under its SSRC
        last, place = (await frames(viewer, 5))[-1], session.address
        network.without_checks = True  # what its packets tell is enough
        network.rebind()
        began = time.monotonic()
        await until(lambda: session.address != place)
        network.without_checks = False  # else a client gives up after a while, as it should
        away = int((time.monotonic() - began) * VIDEO_CLOCK_HZ)
        async with asyncio.timeout(40):
            while (await frames(viewer, 1))[0] < last + away:  # what was decoded before waits in the track
                pass
        assert house.process.port.counts.found >= 1
        assert relay.totals.watched == 1
        assert relay.shows.viewers() == 1
        for peer in (viewer, studio):
            await peer.close()
    network.close()


async def test_a_publisher_whose_address_changes_is_never_off_air(tmp_path: Path, free_port) -> None:  # type: ignore[no-untyped-def]  # a fixture
    udp = free_port()
    network = Network(udp)
    async with open_house(
        tmp_path, RELAY_UDP=f"127.0.0.1:{udp}", RELAY_ANNOUNCE=f"127.0.0.1:{network.port}"
    ) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        program = relay.shows.programs[SHOW]
        await until(lambda: program.started)
        (session,) = (seated.session for seated in relay.seated.values())
        losses = relay.feeds[StudioId("st-1")].tracks["video"].losses
        for _ in range(2):
            await until(lambda: len(house.process.port.strays._voices.get(session, ())) == 2)  # both SSRCs
            place, received = session.address, losses.received
            network.without_checks = True
            network.rebind()
            await until(lambda place=place: session.address != place)  # type: ignore[misc]  # bound now
            network.without_checks = False
            await until(lambda received=received: losses.received > received + 60)  # type: ignore[misc]  # likewise
        assert (relay.totals.published, program.cuts) == (1, 1)
        await studio.close()
    network.close()


async def test_a_peer_that_never_comes_is_freed(house: House) -> None:
    relay = house.process.relay
    await post_offer(f"{house.url}/whip/st-1", house.publish_token(), offer("sendonly"))
    assert (len(relay.seated), relay.attendance.half_open) == (1, 1)
    relay.heart.every_second(relay.clock.now() + HANDSHAKE_SECONDS + 1)
    assert relay.seated == {}
    assert relay.totals.ended == {"no handshake": 1}


async def test_consent_that_expires_frees_everything(house: House) -> None:
    relay = house.process.relay
    studio = await publish(house, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started)
    viewer = await watch(house)
    await until(lambda: relay.shows.viewers() == 1)
    here = relay.attendance
    assert (here.publishers, here.viewers, here.half_open) == (1, 1, 0)
    relay.heart.every_second(relay.clock.now() + CONSENT_SECONDS + 1)
    assert relay.seated == {}
    assert (here.publishers, here.viewers, here.half_open) == (0, 0, 0)
    assert relay.feeds == {}
    assert relay.shows.viewers() == 0
    await until(lambda: house.process.fanout.totals().viewers == 0)
    assert house.process.port._by_address == {}
    assert house.process.port._by_fragment == {}
    for peer in (viewer, studio):
        await peer.close()


async def test_a_studio_that_returns_is_on_air_again_and_viewers_stay(house: House) -> None:
    relay = house.process.relay
    studio = await publish(house, **SMALL)
    await until(lambda: relay.shows.programs[SHOW].started)
    viewer = await watch(house)
    await frames(viewer, 10)
    assert await studio.delete() == 200
    assert relay.feeds == {}
    await studio.close()
    again = await publish(house, **SMALL)
    await frames(viewer, 60)
    assert relay.totals.watched == 1
    for peer in (viewer, again):
        await peer.close()


async def test_two_shows_may_show_one_studio(tmp_path: Path) -> None:
    other = {**STAGE, "show": "sh-2"}
    async with open_house(tmp_path, [STAGE, other]) as house:
        relay = house.process.relay
        studio = await publish(house, **SMALL)
        await until(lambda: all(program.started for program in relay.shows.programs.values()))
        viewers = [await watch(house), await watch(house, ShowId("sh-2"))]
        for viewer in viewers:
            await frames(viewer, 10)
        for peer in (*viewers, studio):
            await peer.close()
