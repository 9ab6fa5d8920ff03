"""A merchant schedules a show in VP8: the studio and the viewers are answered in VP8."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiortc import RTCPeerConnection

from commerce.effects.staging import keep_stage
from commerce.live.stage import Stages
from commerce.live.valkey import open_redis, open_wire
from streaming.contract import ShowId, StudioId
from streaming.process import RelayProcess, start
from streaming.settings import read_settings
from tests.commerce.api.street import Street, open_street
from tests.end_to_end.test_revocation import token_of
from tests.servers import Server
from tests.streaming import clips
from tests.streaming.house import Peer, connect, post_offer, prefer, until
from tests.streaming.offers import offer


@asynccontextmanager
async def relay_of(street: Street, folder: Path) -> AsyncIterator[RelayProcess]:
    """A relay that believes the street's shop and reads its stages."""
    keys = folder / "public.json"
    keys.write_text(json.dumps(street.house.jwks))
    settings = {
        "RELAY_HTTP": "127.0.0.1:0",
        "RELAY_UDP": "127.0.0.1:0",
        "RELAY_SLATE": "0",
        "REDIS_URL": street.house.settings.redis_url,
        "TOKEN_KEYS_FILE": str(keys),
    }
    process = await start(read_settings(settings))
    try:
        yield process
    finally:
        await process.stop()


@asynccontextmanager
async def staging(street: Street, show: str) -> AsyncIterator[None]:
    """The effect that keeps the show's stage, at work."""
    url = street.house.settings.redis_url
    redis, wire = open_redis(url), open_wire(url)
    task = asyncio.create_task(keep_stage(show, wire, Stages(redis)))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await wire.aclose()
        await redis.aclose()


async def publish(whip: str, token: str, *codecs: str) -> Peer:
    connection = RTCPeerConnection()
    prefer(connection.addTransceiver(clips.picture_track(width=320, height=180), "sendonly"), *codecs)
    return await connect(connection, whip, token)


def codecs_in(sdp: str) -> set[str]:
    return set(re.findall(r"a=rtpmap:\d+ (\w+)/90000", sdp)) - {"rtx"}


async def test_a_show_scheduled_in_vp8_is_sent_in_vp8(valkey: Server, tmp_path: Path) -> None:
    async with open_street(valkey.url, tmp_path) as street, relay_of(street, tmp_path) as process:
        http = f"http://127.0.0.1:{process.http_port}"
        whip = f"{http}/whip/st-one"
        seller, host = await street.signed_in("seller"), await street.signed_in("host")
        show = await street.scheduled_show()
        path = f"/api/merchant/shows/{show}"
        assert (await seller.get(path)).body["codec"] == "H264"
        assert (await seller.ask("PATCH", path, {"codec": "H265"})).status == 400
        assert (await seller.ask("PATCH", path, {"codec": "VP8"})).body["codec"] == "VP8"
        token = await token_of(seller)
        early = await publish(whip, token, "video/h264", "video/rtx")  # nobody could tell it then
        await until(lambda: StudioId("st-one") in process.relay.feeds)
        async with staging(street, show):
            assert (await host.post(f"/api/host/shows/{show}/open")).status == 200
            assert (await host.post(f"/api/host/shows/{show}/on-air", {"studio": "st-one"})).status == 200
            programs = process.relay.shows.programs
            await until(lambda: ShowId(show) in programs)
            assert programs[ShowId(show)].codec == "VP8"
            await until(lambda: StudioId("st-one") not in process.relay.feeds)  # it is to come again
            status, answer, _ = await post_offer(whip, token, offer("sendonly"))
            assert (status, codecs_in(answer)) == (201, {"VP8"})
            again = await publish(whip, token, "video/vp8", "video/rtx")
            await until(lambda: programs[ShowId(show)].live)
            seat = (await (await street.buyer()).post(f"/api/shows/{show}/seat")).body
            where = f"{http}/whep/{show}"
            status, answer, _ = await post_offer(where, seat["token"], offer())
            assert (status, codecs_in(answer)) == (201, {"VP8"})
        for peer in (early, again):
            await peer.close()
