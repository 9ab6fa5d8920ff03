"""Firefox plays what the relay forwards, over a bad network too, and publishes what the relay takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.end_to_end.player import stats, until_frames, watching
from tests.end_to_end.processes import Stage
from tests.streaming.browser import PLAYER, PUBLISHER, SIMULCAST, STATS, comes_true, empty_page
from tests.streaming.firefox import firefox
from tests.streaming.house import SHOW, STAGE, House, open_house, publish, until
from tests.streaming.network import Network, own_address

# One Firefox for the module: its start is a third of a test.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
WAIT_MS = 40_000
Tab = Callable[[], Awaitable[Page]]
SMALL = PUBLISHER.replace("{exact: 1280}", "{exact: 640}").replace("{exact: 720}", "{exact: 360}")
WITHOUT_H264 = "no libavcodec on this machine: this Firefox cannot decode H.264"
DECODES_H264 = """
async () => {
  const asked = {type: 'webrtc', video: {
    contentType: 'video/h264', width: 640, height: 360, bitrate: 1e6, framerate: 30}};
  return document.createElement('video').canPlayType('video/mp4; codecs="avc1.42E01E"') !== ''
    && (await navigator.mediaCapabilities.decodingInfo(asked)).supported;
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with firefox() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def tab(browser: Browser) -> AsyncIterator[Tab]:
    async with empty_page() as address:
        context = await browser.new_context()

        async def open_tab() -> Page:
            page = await context.new_page()
            await page.goto(address)
            return page

        yield open_tab
        await context.close()


HOST = own_address() or "127.0.0.1"  # Firefox leaves the loopback out as long as there is another address


@asynccontextmanager
async def page_of(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def decodes_h264(browser: Browser) -> bool:
    async with page_of(browser) as page:
        return bool(await page.evaluate(DECODES_H264))


async def play(house: House, page: Page, frames: int) -> None:
    await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
    await page.wait_for_function(f"frames.length >= {frames}", timeout=WAIT_MS)


async def test_firefox_shows_the_program_and_lets_it_be_heard(
    tmp_path: Path, tab: Tab, browser: Browser
) -> None:
    if not await decodes_h264(browser):
        pytest.skip(WITHOUT_H264)
    async with open_house(tmp_path, RELAY_UDP=f"{HOST}:0") as house:
        page = await tab()
        program = house.process.relay.shows.programs[SHOW]
        studio = await publish(house)
        await until(lambda: program.started)
        await play(house, page, 60)
        frames = await page.evaluate("frames")
        assert {(f["width"], f["height"]) for f in frames} == {(1280, 720)}
        # The frame on screen names its program time (mod 2**32), which is what a pin is held against.
        assert 0 <= frames[-1]["rtp"] <= program.clock.last_ticks
        await page.mouse.click(50, 50)  # a person presses "sound on"
        await comes_true(page, f"({STATS})().then(s => s['inbound-rtp audio'].totalAudioEnergy > 0)")
        await studio.close()


async def test_our_player_plays_in_firefox(
    tmp_path: Path, browser: Browser, free_port: Callable[[], int]
) -> None:
    """What no bare player has: the seat, the watch over the session, WHEP's events, the element."""
    if not await decodes_h264(browser):
        pytest.skip(WITHOUT_H264)
    stage = Stage(tmp_path, free_port, announce=HOST)
    await stage.relay.start()
    try:
        await stage.until_live(await stage.add_agent("scene", STUDIO_PRESET="ultrafast"))
        async with watching(stage, lambda: page_of(browser)) as page:
            await until_frames(page, 60)
            seen = await stats(page)
            assert (seen["seats"], seen["muted"], seen["paused"]) == (1, True, False)
            await page.evaluate("watch.abandon()")
            await until_frames(page, 60)
            assert (await stats(page))["seats"] == 2
    finally:
        await stage.end()


async def test_three_sizes_of_firefox_are_taken_by_name_and_shown(tmp_path: Path, tab: Tab) -> None:
    async with open_house(tmp_path, [{**STAGE, "codec": "VP8"}], RELAY_UDP=f"{HOST}:0") as house:
        program = house.process.relay.shows.programs[SHOW]
        studio, viewer = await tab(), await tab()
        asked = {"url": f"{house.url}/whip/st-1", "token": house.publish_token(), "encodings": SIMULCAST}
        await studio.evaluate(SMALL, asked)
        await until(lambda: program.started)
        assert program.layered
        assert set(program.video) <= {"q", "h", "f"}  # which of them, a starved browser decides by itself
        await play(house, viewer, 60)


async def test_firefox_plays_on_through_losses_and_a_new_address(
    tmp_path: Path, tab: Tab, free_port: Callable[[], int]
) -> None:
    udp = free_port()
    network = Network(udp, host=HOST)
    announced = {"RELAY_UDP": f"{HOST}:{udp}", "RELAY_ANNOUNCE": f"{HOST}:{network.port}", "RELAY_TCP": "0"}
    async with open_house(tmp_path, [{**STAGE, "codec": "VP8"}], **announced) as house:
        program = house.process.relay.shows.programs[SHOW]
        studio, viewer = await tab(), await tab()
        await studio.evaluate(SMALL, {"url": f"{house.url}/whip/st-1", "token": house.publish_token()})
        await until(lambda: program.started)
        network.spare()
        network.down_loss = network.up_loss = 0.05
        network.delay_s = 0.04
        await play(house, viewer, 60)
        network.rebind()
        seen = await viewer.evaluate("frames.length")
        await viewer.wait_for_function(f"frames.length >= {seen} + 60", timeout=WAIT_MS)
        await comes_true(viewer, f"({STATS})().then(s => s['inbound-rtp video'].nackCount > 0)")
        assert await viewer.evaluate("peer.connectionState") == "connected"
        assert house.process.relay.totals.watched == 1
    network.close()
