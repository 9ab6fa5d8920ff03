"""Clients of other houses, as npm has them, publish and play through the relay in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.async_api import ConsoleMessage, Page

from tests.end_to_end.processes import Process, Stage, wait_until
from tests.interop.bundling import bundle
from tests.streaming.browser import open_browser

pytestmark = pytest.mark.browser
PLAY = """
async ({url, token}) => {
  const video = document.createElement("video");
  video.muted = video.autoplay = video.playsInline = true;
  document.body.append(video);
  globalThis.frames = 0;
  const each = () => { frames += 1; video.requestVideoFrameCallback(each); };
  video.requestVideoFrameCallback(each);
  await play({url, token, video});
}
"""


@pytest.fixture
async def agent(stage: Stage) -> Process:
    agent = await stage.add_agent("scene", STUDIO_PRESET="ultrafast")
    await stage.until_live(agent)
    return agent


class Complaints:
    """What a page complained of: errors of its console and what nobody caught."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "favicon" not in str(message.location):
            self.said.append(message.text)


async def load(page: Page, client: str, folder: Path) -> Complaints:
    complaints = Complaints(page)
    await page.evaluate(await asyncio.to_thread(bundle, client, folder))
    return complaints


@pytest.mark.parametrize("client", ["whip_web_client", "whip_whep"])
async def test_a_publisher_of_npm_is_seen(stage: Stage, tmp_path: Path, client: str) -> None:
    async with open_browser() as studio, open_browser() as viewer:
        complaints = await load(studio, client, tmp_path)
        await studio.evaluate("args => publish(args)", {"url": stage.whip, "token": stage.keys.publish()})
        await load(viewer, "whip_whep", tmp_path)
        await wait_until(lambda: on_air(stage), 45)
        await viewer.evaluate(PLAY, {"url": stage.whep, "token": stage.keys.view()})
        await viewer.wait_for_function("frames >= 30", timeout=60_000)
        await studio.evaluate("stop()")
        assert complaints.said == []


async def on_air(stage: Stage) -> bool:
    (program,) = (await stage.status())["programs"]
    return bool(program["packets"]["video"] > 0)


@pytest.mark.parametrize("client", ["whip_whep", "webrtc_player"])
@pytest.mark.usefixtures("agent")
async def test_a_player_of_npm_plays(stage: Stage, tmp_path: Path, client: str) -> None:
    async with open_browser() as viewer:
        complaints = await load(viewer, client, tmp_path)
        await viewer.evaluate(PLAY, {"url": stage.whep, "token": stage.keys.view()})
        await viewer.wait_for_function("frames >= 30", timeout=60_000)
        await viewer.evaluate("stop()")
        assert complaints.said == []


async def test_a_player_that_restarts_ice_plays_on(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Over UDP alone: whip-whep joins the candidates of a restart by commas, so it can take only one."""
    stage = Stage(tmp_path, free_port, tcp=False)
    await stage.relay.start()
    try:
        await stage.until_live(await stage.add_agent("scene", STUDIO_PRESET="ultrafast"))
        async with open_browser() as viewer:
            await load(viewer, "whip_whep", tmp_path)
            await viewer.evaluate(PLAY, {"url": stage.whep, "token": stage.keys.view()})
            await viewer.wait_for_function("frames >= 15", timeout=60_000)
            await viewer.evaluate("restart()")
            before = await viewer.evaluate("frames")
            await viewer.wait_for_function(f"frames >= {before + 60}", timeout=60_000)
    finally:
        await stage.end()
