"""A player that offers another codec is offered ours, and watches once it answers."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from aiortc import RTCPeerConnection, RTCSessionDescription

from tests.streaming.house import SHOW, House, open_house, post_offer, prefer, publish, until
from tests.streaming.offers import VIDEO_CODECS, offer

VP8 = "".join(f"{line}\n" for line in VIDEO_CODECS.splitlines()[:4])


async def patch(house: House, location: str, token: str, body: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with (
        aiohttp.ClientSession() as http,
        http.patch(house.url + location, data=body, headers=headers) as response,
    ):
        return response.status


async def test_an_answer_to_our_offer_opens_the_session_and_frames_come(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        studio = await publish(house, width=320, height=180)
        await until(lambda: house.process.relay.shows.programs[SHOW].started)
        url, token = f"{house.url}/whep/{SHOW}", house.view_token()
        status, ours, headers = await post_offer(url, token, offer(codecs=VP8))
        assert (status, headers["Content-Type"]) == (406, "application/sdp; charset=utf-8")
        assert "a=setup:actpass" in ours
        assert "a=sendonly" in ours
        for line in (
            "a=rtpmap:97 rtx/90000",
            "a=fmtp:97 apt=96",
            "a=ssrc-group:FID",
            "a=rtcp-fb:96 goog-remb",
            "a=rtcp-fb:96 nack",
            "a=rtcp-fb:96 rrtr",
            "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        ):
            assert line in ours
        assert "transport-cc" not in ours
        assert len(house.process.relay.seated) == 1  # the studio's: nobody is seated by an offer of ours

        viewer = RTCPeerConnection()
        await viewer.setRemoteDescription(RTCSessionDescription(ours, "offer"))
        prefer(viewer.getTransceivers()[0], "video/h264", "video/rtx")
        await viewer.setLocalDescription(await viewer.createAnswer())
        location = headers["Location"]
        assert await patch(house, location, "rubbish", viewer.localDescription.sdp) == 401
        assert await patch(house, location, token, "nonsense") == 400
        assert await patch(house, location, token, viewer.localDescription.sdp) == 204
        frame = await viewer.getTransceivers()[0].receiver.track.recv()
        assert frame.width == 320
        assert await patch(house, location, token, viewer.localDescription.sdp) == 415  # a session by now
        for peer in (viewer, studio):
            await peer.close()


async def test_offers_of_ours_are_few_and_pass_away(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        studio = await publish(house, width=320, height=180)
        program = house.process.relay.shows.programs[SHOW]
        await until(lambda: program.started)
        counters = house.process.relay.counters
        first, _ = counters.offer(program, 10.0)
        assert counters.find(first, SHOW, 39.0) is not None
        assert counters.find(first, "sh-2", 39.0) is None
        assert counters.find(first, SHOW, 41.0) is None
        for _ in range(256):
            counters.offer(program, 11.0)
        assert counters.find(first, SHOW, 12.0) is None
        await studio.close()
