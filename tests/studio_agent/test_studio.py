"""A studio and a real WHIP counterpart: pictures are decoded, and every break is mended."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp.test_utils import TestServer

from studio_agent.settings import read_settings
from studio_agent.sources import Clock, Picture
from studio_agent.sources.scene import SceneSource
from studio_agent.studio import EXIT_OK, EXIT_REFUSED, EXIT_SOURCE, Studio
from tests.studio_agent.receiver import Receiver, Refusal, running
from tests.studio_agent.test_scene import time_in


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, TestServer]]:
    receiver = Receiver(token="t0ken")
    async with running(receiver) as server:
        yield receiver, server


@contextlib.asynccontextmanager
async def publishing(
    server: TestServer, token: str = "t0ken", layers: str = "1"
) -> AsyncIterator[tuple[Studio, asyncio.Task[int]]]:
    environment = {
        "STUDIO_WHIP": str(server.make_url("/whip/main")),
        "STUDIO_TOKEN": token,
        "STUDIO_PRESET": "ultrafast",
        "STUDIO_LAYERS": layers,
    }
    studio = await asyncio.to_thread(lambda: Studio(read_settings([], environment), SceneSource()))
    task = asyncio.create_task(studio.run())
    try:
        yield studio, task
    finally:
        if not task.done():
            studio.stop()
        await task


async def test_a_stranger_decodes_picture_and_sound(receiver: tuple[Receiver, TestServer]) -> None:
    counterpart, server = receiver
    async with publishing(server) as (studio, task):
        session = await counterpart.session(0)
        await session.wait_for_pictures(20)
        await session.wait_for_sounds(10)
        frame = session.pictures[-1]
        assert (frame.width, frame.height) == (1280, 720)
        assert time_in(frame) is not None
        health = studio.health()
        assert (health.state, health.connections) == ("live", 1)
    assert task.result() == EXIT_OK
    assert session.is_deleted


async def test_a_server_that_knows_one_encoding_gets_the_plain_offer(
    receiver: tuple[Receiver, TestServer],
) -> None:
    counterpart, server = receiver
    async with publishing(server, layers="3") as (studio, _):
        first, second = await counterpart.session(0), await counterpart.session(1)
        assert "a=simulcast:send f;h;q" in first.offer
        assert "simulcast" not in second.offer
        await second.wait_for_pictures(10)
        assert studio.health().layers == 1
        assert first.is_deleted
        await second.peer.close()  # and from then on it is not asked for more
        third = await counterpart.session(2)
        await third.wait_for_pictures(3)
        assert counterpart.posts == 3


async def test_a_server_that_refuses_several_encodings_gets_the_plain_offer(
    receiver: tuple[Receiver, TestServer],
) -> None:
    counterpart, server = receiver
    counterpart.refusals = [Refusal(400)]
    async with publishing(server, layers="3"):
        session = await counterpart.session(0)
        await session.wait_for_pictures(3)
        assert "simulcast" not in session.offer


async def test_a_keyframe_comes_when_it_is_asked_for(receiver: tuple[Receiver, TestServer]) -> None:
    counterpart, server = receiver
    async with publishing(server) as (studio, _):
        session = await counterpart.session(0)
        await session.wait_for_pictures(10)
        await session.ask_for_keyframe()
        assert await session.keyframe_after(10) < 45  # the next one by the clock would be the fiftieth
        assert studio.health().keyframe_requests >= 1


async def test_a_session_that_the_relay_closes_is_replaced(receiver: tuple[Receiver, TestServer]) -> None:
    counterpart, server = receiver
    async with publishing(server) as (studio, _):
        first = await counterpart.session(0)
        await first.wait_for_pictures(3)
        await first.peer.close()
        second = await counterpart.session(1)
        await second.wait_for_pictures(3)
        health = studio.health()
        assert (health.connections, health.losses) == (2, 1)


async def test_a_relay_that_is_full_is_asked_again(receiver: tuple[Receiver, TestServer]) -> None:
    counterpart, server = receiver
    counterpart.refusals = [Refusal(503, {"Retry-After": "0"}), Refusal(409)]
    async with publishing(server):
        session = await counterpart.session(0)
        await session.wait_for_pictures(1)
    assert counterpart.posts == 3


class HangingCamera(SceneSource):
    """Gives five pictures, then nothing and no error."""

    def pictures(self, clock: Clock, stop: threading.Event) -> Iterator[Picture]:
        yield from itertools.islice(super().pictures(clock, stop), 5)
        stop.wait()


async def test_a_camera_that_hangs_ends_the_studio_so_that_it_is_opened_anew(
    receiver: tuple[Receiver, TestServer],
) -> None:
    _, server = receiver
    environment = {
        "STUDIO_WHIP": str(server.make_url("/whip/main")),
        "STUDIO_TOKEN": "t0ken",
        "STUDIO_LAYERS": "1",
    }
    studio = await asyncio.to_thread(
        lambda: Studio(read_settings([], environment), HangingCamera(), still_limit_s=0.5)
    )
    assert await asyncio.wait_for(studio.run(), 60) == EXIT_SOURCE


async def test_a_token_that_is_not_accepted_ends_the_studio(receiver: tuple[Receiver, TestServer]) -> None:
    counterpart, server = receiver
    async with publishing(server, token="wrong") as (studio, task):
        assert await asyncio.wait_for(task, 30) == EXIT_REFUSED
        assert "token" in studio.health().detail
    assert counterpart.posts == 1
