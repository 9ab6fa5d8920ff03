"""A studio that is away is replaced by the slate, and nobody has to come again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streaming.contract import ProgramCut, ProgramStarted, Stage, StudioId
from streaming.rtc.packetise import PAYLOAD_BYTES, payloads
from streaming.slate import LOOP_FRAMES, encode
from tests.streaming.browser import PLAYER, STATS, open_browser
from tests.streaming.house import SHOW, open_house, publish, until, watch

WAIT_MS = 40_000


def test_a_large_picture_is_cut_into_equal_packets_and_can_be_put_together() -> None:
    picture = b"\0\0\0\1\x67\x42\xe0\0\0\0\1\x68\xce\0\0\1\x65" + bytes(range(1, 251)) * 20
    sets, *fragments = payloads("H264", picture)
    assert sets == b"\x78\0\x03\x67\x42\xe0\0\x02\x68\xce"
    assert max(map(len, fragments)) <= PAYLOAD_BYTES
    assert len({len(f) for f in fragments[:-1]}) == 1
    assert b"".join(f[2:] for f in fragments) == bytes(range(1, 251)) * 20
    assert (fragments[0][1], fragments[-1][1]) == (0x85, 0x45)


def test_vp8_marks_the_first_packet_of_a_picture() -> None:
    pieces = payloads("VP8", bytes(3000))
    assert [piece[0] for piece in pieces] == [0x10, 0, 0]
    assert sum(len(piece) - 1 for piece in pieces) == 3000


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_the_slate_is_encoded_with_a_keyframe_first(codec: str) -> None:
    from streaming.domain.keyframes import begins_keyframe

    units = encode(codec)  # type: ignore[arg-type]  # both are codecs
    assert len(units) == LOOP_FRAMES
    assert begins_keyframe(codec, payloads(codec, units[0])[0])  # type: ignore[arg-type]  # both are codecs


async def test_a_show_on_air_without_its_studio_is_the_slate(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_SLATE="1") as house:
        relay = house.process.relay
        await until(lambda: relay.shows.programs[SHOW].started)
        viewer = await watch(house)
        track, sound = (t.receiver.track for t in viewer.connection.getTransceivers())
        async with asyncio.timeout(40):
            frame = await track.recv()
            await sound.recv()
        assert (frame.width, frame.height) == (1280, 720)
        assert not any(isinstance(fact, ProgramStarted) for fact in relay.shows.facts)
        studio = await publish(house, width=320, height=180)
        async with asyncio.timeout(40):
            while frame.width != 320:
                frame = await track.recv()
        assert any(isinstance(fact, ProgramStarted) for fact in relay.shows.facts)
        relay.shows.set_stage(Stage(SHOW, 2, True, None))  # the shop wishes the slate
        async with asyncio.timeout(40):
            while frame.width != 1280:
                frame = await track.recv()
        for peer in (viewer, studio):
            await peer.close()


@pytest.mark.browser
async def test_chromium_stays_while_studios_drop_return_change_and_replace_each_other(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_SLATE="1") as house, open_browser() as page:
        relay = house.process.relay
        await until(lambda: "H264" in relay.shows.pictures)
        studio = await publish(house, width=640, height=360)
        await until(lambda: relay.shows.programs[SHOW].live)
        await page.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await page.wait_for_function("frames.length >= 30 && frames.at(-1).width === 640")
        await studio.delete()
        await studio.close()
        await page.wait_for_function("frames.at(-1).width === 1280", timeout=WAIT_MS)
        again = await publish(house, width=320, height=180)  # with another resolution
        await page.wait_for_function("frames.at(-1).width === 320", timeout=WAIT_MS)
        other = await publish(house, StudioId("st-2"), width=640, height=360)
        await until(lambda: len(relay.feeds) == 2)
        relay.shows.set_stage(Stage(SHOW, 2, True, StudioId("st-2")))
        await page.wait_for_function("frames.at(-1).width === 640", timeout=WAIT_MS)
        newer = await publish(house, StudioId("st-2"), width=320, height=180)  # takes its place
        await page.wait_for_function("frames.at(-1).width === 320", timeout=WAIT_MS)
        relay.shows.set_stage(Stage(SHOW, 3, True, None))
        await page.wait_for_function("frames.at(-1).width === 1280", timeout=WAIT_MS)
        stats = (await page.evaluate(STATS))["inbound-rtp video"]
        times = await page.evaluate("frames.map(f => f.rtp)")
        assert relay.totals.watched == 1  # one connection, from first to last
        assert times == sorted(times)  # program time only goes on
        assert stats["totalFreezesDuration"] < stats["totalInterFrameDelay"] / 2  # a busy machine stumbles
        assert await page.evaluate("peer.connectionState") == "connected"
        cuts = [f.studio for f in relay.shows.facts if isinstance(f, ProgramCut)]
        assert cuts[-6:] == ["st-1", None, "st-1", "st-2", "st-2", None]
        for peer in (again, other, newer):
            await peer.close()


async def test_a_studio_that_falls_silent_gives_way_to_the_slate(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_SLATE="1") as house:
        relay = house.process.relay
        await until(lambda: "H264" in relay.shows.pictures)
        studio = await publish(house, width=320, height=180)
        await until(lambda: relay.shows.programs[SHOW].live)
        for transceiver in studio.connection.getTransceivers():
            transceiver.sender.replaceTrack(None)
        await until(lambda: not relay.shows.programs[SHOW].live)
        assert relay.feeds  # the connection stands; only its picture is away
        await studio.close()
