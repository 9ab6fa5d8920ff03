"""How a client meets its server: WHIP and WHEP for the relay, Janus' own HTTP API for Janus."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any, Final

import aiohttp

from .transport import Client, where

VIDEO_TYPE, REPAIR_TYPE = 108, 109
BUSY_TRIES: Final = 10  # a relay that says 503 is asked again when it said so
CODEC_LINES: Final = [
    f"a=rtpmap:{VIDEO_TYPE} H264/90000",
    f"a=fmtp:{VIDEO_TYPE} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    f"a=rtcp-fb:{VIDEO_TYPE} nack",
    f"a=rtcp-fb:{VIDEO_TYPE} nack pli",
    f"a=rtcp-fb:{VIDEO_TYPE} goog-remb",
]
REPAIR_LINES: Final = [f"a=rtpmap:{REPAIR_TYPE} rtx/90000", f"a=fmtp:{REPAIR_TYPE} apt={VIDEO_TYPE}"]
SEND_TIME: Final = "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


def session(mid: str, media: list[str]) -> str:
    """An SDP with one video section."""
    lines = ["v=0", f"o=- {secrets.randbits(40)} 1 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {mid}"]
    return "\r\n".join([*lines, *media]) + "\r\n"


def offer(client: Client, direction: str, ssrc: int | None = None) -> str:
    """One H.264 section with RTX and abs-send-time."""
    media = [
        f"m=video 9 UDP/TLS/RTP/SAVPF {VIDEO_TYPE} {REPAIR_TYPE}",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        f"a={direction}",
        *client.transport_lines("actpass"),
        *CODEC_LINES,
        *REPAIR_LINES,
        SEND_TIME,
    ]
    if ssrc is not None:
        media.append(f"a=ssrc:{ssrc} cname:benchmark")
    return session("0", media)


async def meet_relay(http: aiohttp.ClientSession, url: str, token: str, client: Client, sdp: str) -> str:
    """POST an offer by WHIP or WHEP and connect; the answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    for _ in range(BUSY_TRIES):
        async with http.post(url, data=sdp, headers=headers) as response:
            text = await response.text()
            if response.status == 201:
                await client.connect(text)
                return text
            if response.status != 503:
                break
        await asyncio.sleep(float(response.headers.get("Retry-After", "1")))
    raise ConnectionError(f"{response.status}: {text[:200]}")


class Refused(Exception):
    """A relay said no."""

    def __init__(self, status: int, retry_after_s: float) -> None:
        super().__init__(f"{status}")
        self.status, self.retry_after_s = status, retry_after_s


async def meet_once(http: aiohttp.ClientSession, url: str, token: str, client: Client, sdp: str) -> None:
    """One try of a player. Raises Refused."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    async with http.post(url, data=sdp, headers=headers) as response:
        text = await response.text()
        if response.status != 201:
            raise Refused(response.status, float(response.headers.get("Retry-After", "0")))
    await client.connect(text)


class Janus:
    """The few words of Janus' HTTP API that a viewer of a mountpoint needs."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url = http, url

    async def watch(self, mountpoint: int, client: Client) -> str:
        """Take a seat at a mountpoint; the offer."""
        session_id = (await self._say("", {"janus": "create"}))["data"]["id"]
        attach = {"janus": "attach", "plugin": "janus.plugin.streaming"}
        handle = (await self._say(f"/{session_id}", attach))["data"]["id"]
        place = f"/{session_id}/{handle}"
        await self._say(place, {"janus": "message", "body": {"request": "watch", "id": mountpoint}})
        sdp = await self._offer(session_id)
        answer = {"type": "answer", "sdp": _answer(client, sdp), "trickle": False}
        await self._say(place, {"janus": "message", "body": {"request": "start"}, "jsep": answer})
        await client.connect(sdp)
        return sdp

    async def _offer(self, session_id: int) -> str:
        for _ in range(10):
            async with self._http.get(f"{self._url}/{session_id}?maxev=1") as response:
                event = await response.json()
            if "jsep" in event:
                return str(event["jsep"]["sdp"])
        raise ConnectionError("Janus made no offer")

    async def _say(self, place: str, message: dict[str, Any]) -> dict[str, Any]:
        body = message | {"transaction": secrets.token_hex(6)}
        async with self._http.post(self._url + place, json=body) as response:
            said: dict[str, Any] = await response.json()
        if said.get("janus") not in ("success", "ack"):
            raise ConnectionError(f"Janus said {said}")
        return said


def _answer(client: Client, sdp: str) -> str:
    section = sdp[sdp.index("m=video") :]
    mid = section.split("a=mid:", 1)[1].split()[0]
    payload_type = section.split("SAVPF ", 1)[1].split()[0]
    media = [
        f"m=video 9 UDP/TLS/RTP/SAVPF {payload_type}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{mid}",
        "a=recvonly",
        *client.transport_lines("active", where(sdp)[0]),
        *[line.replace(f":{VIDEO_TYPE} ", f":{payload_type} ") for line in CODEC_LINES],
    ]
    return session(mid, media)
