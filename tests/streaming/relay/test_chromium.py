"""A real browser decodes what the relay forwards, and publishes what the relay takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.streaming.browser import PLAYER, PUBLISHER, SIMULCAST, STATS, comes_true, open_browser
from tests.streaming.house import SHOW, open_house, publish, until
from tests.streaming.network import Network

pytestmark = pytest.mark.browser
WAIT_MS = 40_000
FULL_SIZE_BPS = (
    2_500_000  # what the relay asks for is more, what a browser begins with by itself a tenth of it
)
FIRST_ENCODED = f"""
() => ({STATS})().then(s => {{
  const sent = s['outbound-rtp video'];
  return sent && sent.framesEncoded > 0 && sent.targetBitrate && [sent.frameWidth, sent.targetBitrate];
}})
"""


async def test_chromium_decodes_sixty_frames_of_720p(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        studio = await publish(house)
        await until(lambda: program.started)
        await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await page.wait_for_function("frames.length >= 60", timeout=WAIT_MS)
        frames = await page.evaluate("frames")
        stats = await page.evaluate(STATS)
        assert {(f["width"], f["height"]) for f in frames} == {(1280, 720)}
        assert stats["inbound-rtp video"]["framesDecoded"] >= 60
        played = stats["inbound-rtp video"]
        assert played["totalFreezesDuration"] < played["totalInterFrameDelay"] / 2  # a busy machine stumbles
        # The frame on screen names its program time (mod 2**32), which is what a pin is held against.
        assert 0 <= frames[-1]["rtp"] <= program.clock.last_ticks
        await page.wait_for_function("frames.at(-1).capture !== null", timeout=WAIT_MS)  # DLRR and reports
        await page.mouse.click(50, 50)  # a person presses "sound on"
        await comes_true(page, f"({STATS})().then(s => s['inbound-rtp audio'].totalAudioEnergy > 0)")
        await studio.close()


async def test_chromium_publishes_for_full_size_from_its_first_frame(tmp_path: Path) -> None:
    seen = []
    for attempt in range(
        3
    ):  # starved of CPU, a browser may scale down by itself, and look late at what it did
        folder = tmp_path / str(attempt)
        folder.mkdir()
        async with open_house(folder) as house, open_browser() as page:
            await page.evaluate(PUBLISHER, {"url": f"{house.url}/whip/st-1", "token": house.publish_token()})
            width, bps = await comes_true(page, FIRST_ENCODED)
        seen.append((width, bps))
        if width == 1280 or bps > FULL_SIZE_BPS:
            return
    pytest.fail(f"the first frames had widths and rates {seen}")


async def test_chromium_plays_over_tcp_where_udp_is_blocked(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        studio = await publish(house, width=640, height=360)
        await until(lambda: program.started)
        asked = {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token(), "without": " udp "}
        await page.evaluate(PLAYER, asked)
        await page.wait_for_function("frames.length >= 60", timeout=WAIT_MS)
        pair = await page.evaluate("""
          async () => {
            const all = [...(await peer.getStats()).values()];
            const pair = all.find(r => r.type === 'candidate-pair' && r.nominated);
            return all.find(r => r.id === pair.remoteCandidateId).protocol;
          }
        """)
        assert pair == "tcp"
        assert house.process.tcp is not None
        assert house.process.tcp.counts.connections >= 1  # a starved browser may try twice
        await studio.close()


async def test_chromium_goes_on_when_its_address_changes(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    udp = free_port()
    network = Network(udp)
    announced = {"RELAY_UDP": f"127.0.0.1:{udp}", "RELAY_ANNOUNCE": f"127.0.0.1:{network.port}"}
    async with open_house(tmp_path, RELAY_TCP="0", **announced) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        studio = await publish(house, width=640, height=360)
        await until(lambda: program.started)
        network.spare()
        await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await page.wait_for_function("frames.length >= 30", timeout=WAIT_MS)
        (session,) = (
            seated.session for seated in house.process.relay.seated.values() if seated.prefix == "whep"
        )
        await until(lambda: session in house.process.port.strays._voices)  # it has reported under its SSRC
        place = session.address
        network.without_checks = True  # what its reports tell is enough
        network.rebind()
        await until(lambda: session.address != place)
        seen = await page.evaluate("frames.length")
        await page.wait_for_function(f"frames.length >= {seen} + 60", timeout=WAIT_MS)
        network.without_checks, network.closed = False, True
        await asyncio.sleep(2.5)  # a gap has to be one, by a browser's own clock
        network.closed = False
        seen = await page.evaluate("frames.length")
        await page.wait_for_function(f"frames.length >= {seen} + 60", timeout=WAIT_MS)
        (viewer,) = program.viewers
        assert viewer.figures.narrow_bps is None  # type: ignore[attr-defined]  # the audience here is a Viewer
        assert house.process.relay.totals.watched == 1
        assert await page.evaluate("peer.connectionState") == "connected"
        await studio.close()
    network.close()


async def test_chromium_publishes_on_when_its_address_changes(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    udp = free_port()
    network = Network(udp)
    announced = {"RELAY_UDP": f"127.0.0.1:{udp}", "RELAY_ANNOUNCE": f"127.0.0.1:{network.port}"}
    async with open_house(tmp_path, RELAY_TCP="0", **announced) as house, open_browser() as page:
        relay = house.process.relay
        program = relay.shows.programs[SHOW]
        await page.evaluate(PUBLISHER, {"url": f"{house.url}/whip/st-1", "token": house.publish_token()})
        (session,) = (seated.session for seated in relay.seated.values())
        await until(lambda: len(house.process.port.strays._voices.get(session, ())) == 2)  # both SSRCs
        place = session.address
        network.without_checks = True
        network.rebind()
        await until(lambda: session.address != place)
        before = program.packets["video"]
        await until(lambda: program.packets["video"] > before + 100)
        assert (relay.totals.published, program.cuts) == (1, 1)
        assert await page.evaluate("peer.connectionState") == "connected"
    network.close()


HELD_SECONDS = """
async () => {
  const read = async () => [...(await peer.getStats()).values()].find(
    r => r.type === 'inbound-rtp' && r.kind === 'video');
  const before = await read();
  await new Promise(done => setTimeout(done, 1000));
  const after = await read();
  if (!before) return 0;
  return (after.jitterBufferDelay - before.jitterBufferDelay)
    / Math.max(1, after.jitterBufferEmittedCount - before.jitterBufferEmittedCount);
}
"""


async def test_chromium_holds_its_frames_where_packets_are_lost_and_goes_on_playing(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    udp = free_port()
    network = Network(udp)
    announced = {"RELAY_UDP": f"127.0.0.1:{udp}", "RELAY_ANNOUNCE": f"127.0.0.1:{network.port}"}
    async with open_house(tmp_path, RELAY_TCP="0", **announced) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        studio = await publish(house, width=640, height=360)
        await until(lambda: program.started)
        network.spare()
        network.down_loss = network.up_loss = 0.05
        network.delay_s = 0.02
        await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await comes_true(page, f"({HELD_SECONDS})().then(held => held > 0.12)")
        seen = await page.evaluate("frames.length")
        await page.wait_for_function(f"frames.length >= {seen} + 60", timeout=WAIT_MS)
        await studio.close()
    network.close()


async def test_chromiums_sound_comes_twice_and_is_given_on_once(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        await page.evaluate(PUBLISHER, {"url": f"{house.url}/whip/st-1", "token": house.publish_token()})
        await until(lambda: program.packets["audio"] > 100)
        (feed,) = house.process.relay.feeds.values()
        newest = program.audio.recall(program.audio.newest)
        assert newest is not None
        (sound,) = av.CodecContext.create("opus", "r").decode(av.Packet(newest.payload))
        assert getattr(sound, "samples", 0) == 960  # of 20 ms, and no block header before it
        given_on = feed.tracks["audio"].octets
        sent = await page.evaluate(f"({STATS})().then(s => s['outbound-rtp audio'].bytesSent)")
        assert sent > 1.5 * given_on


async def test_the_layers_of_chromium_are_taken_by_name(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, open_browser() as page:
        program = house.process.relay.shows.programs[SHOW]
        asked = {"url": f"{house.url}/whip/st-1", "token": house.publish_token(), "encodings": SIMULCAST}
        await page.evaluate(PUBLISHER, asked)
        await until(lambda: program.started)
        assert program.layered
        assert set(program.video) <= {"q", "h", "f"}  # which of them, a starved browser decides by itself
