"""WebRTC stacks that npm has for Node publish and play: libdatachannel (inside OBS), werift, libwebrtc."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from streaming.contract import ShowId, StudioId
from studio_agent.sources.scene import Scene
from tests.interop.bundling import HERE, install
from tests.streaming.house import SHOW, STAGE, open_house, until

ANOTHER = {**STAGE, "show": "sh-2", "studio": "st-2"}
NODE_AT_LEAST = 20
FPS = 30


@pytest.fixture(autouse=True)
async def _node() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this machine: make system installs it")
    told = await asyncio.to_thread(subprocess.check_output, [node, "--version"], text=True)
    if int(told.removeprefix("v").partition(".")[0]) < NODE_AT_LEAST:
        pytest.skip(f"the clients of npm need Node {NODE_AT_LEAST}; here is {told.strip()}")
    await asyncio.to_thread(install)


@asynccontextmanager
async def running(client: str, *arguments: str, **tokens: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        "node", str(HERE / "clients" / f"{client}.mjs"), *arguments,
        env={**os.environ, **tokens}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


async def told(child: asyncio.subprocess.Process) -> dict[str, Any]:
    """What a client says at its end, which the end of its stdin asks for."""
    said, _ = await asyncio.wait_for(child.communicate(b""), 60)
    return dict(json.loads(said.splitlines()[-1]))


def draw(file: Path) -> None:
    """Two seconds of the drawn scene as an encoder gives them, each access unit behind its length."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 1280, 720, "yuv420p"
    codec.time_base, codec.gop_size = Fraction(1, FPS), FPS
    codec.options = {"tune": "zerolatency", "preset": "ultrafast", "profile": "baseline"}
    scene, made = Scene(), bytearray()
    for number in range(2 * FPS):
        frame = scene.draw(number / FPS)
        frame.pts = number
        for packet in codec.encode(frame):
            made += packet.size.to_bytes(4, "big") + bytes(packet)
    file.write_bytes(made)


async def test_libdatachannel_publishes_and_werift_plays_and_hands_on(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    await asyncio.to_thread(draw, clip)
    async with open_house(tmp_path, [STAGE, ANOTHER]) as house:
        first = house.process.relay.shows.programs[SHOW]
        second = house.process.relay.shows.programs[ShowId("sh-2")]
        whip, whep = f"{house.url}/whip/st-", f"{house.url}/whep/{SHOW}"
        async with running(
            "libdatachannel", f"{whip}1", str(clip), WHIP_TOKEN=house.publish_token()
        ) as studio:
            await until(lambda: first.started)
            tokens = {"WHEP_TOKEN": house.view_token(), "WHIP_TOKEN": house.publish_token(StudioId("st-2"))}
            async with running("werift", whep, f"{whip}2", **tokens) as player:
                await until(lambda: second.started and second.packets["video"] > 100)
                assert (await told(player))["video"] >= second.packets["video"]
            assert await told(studio) == {"left": 200}


async def test_libwebrtc_in_node_publishes_and_plays(tmp_path: Path) -> None:
    """Built without H.264, as npm has it."""
    async with open_house(tmp_path, [{**STAGE, "codec": "VP8"}]) as house:
        tokens = {"WHIP_TOKEN": house.publish_token(), "WHEP_TOKEN": house.view_token()}
        async with running("wrtc", f"{house.url}/whip/st-1", f"{house.url}/whep/{SHOW}", **tokens) as both:
            assert await told(both) == {"shown": 60, "width": 320, "height": 180}
