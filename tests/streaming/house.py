"""A relay of a test's own on free ports, with tokens and peers for it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiortc import RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.rtcrtpsender import RTCRtpSender
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDictProxy

from streaming.contract import Role, ShowId, StudioId, TokenClaims
from streaming.process import RelayProcess, start
from streaming.settings import read_settings
from tests.streaming import clips

SHOW, STUDIO = ShowId("sh-1"), StudioId("st-1")
STAGE: dict[str, Any] = {"show": SHOW, "version": 1, "on_air": True, "studio": STUDIO}


class House:
    """One relay, its address, and the shop's key."""

    def __init__(self, folder: Path, key: Ed25519PrivateKey | None = None) -> None:
        self.folder = folder
        self.key = key or Ed25519PrivateKey.generate()
        self.process: RelayProcess

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.process.http_port}"

    def token(
        self,
        role: Role = "view",
        *,
        expires_in: int = 60,
        key: Ed25519PrivateKey | None = None,
        **claims: Any,
    ) -> str:
        made = TokenClaims(role, "somebody", int(time.time()) + expires_in, **claims)
        return jwt.encode(made.to_jwt(), key or self.key, algorithm="EdDSA", headers={"kid": "test"})

    def publish_token(self, studio: StudioId = STUDIO) -> str:
        return self.token("publish", studio=studio)

    def view_token(self, show: ShowId = SHOW) -> str:
        return self.token("view", show=show)

    def write_keys(self) -> Path:
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        file = self.folder / "public.json"
        file.write_text(json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "test"}]}))
        return file


@asynccontextmanager
async def open_house(
    folder: Path,
    stages: list[dict[str, Any]] | None = None,
    *,
    key: Ed25519PrivateKey | None = None,
    **environ: str,
) -> AsyncIterator[House]:
    """A relay on ports of the kernel's choice; stages from a file. `key`: of the shop that it believes."""
    house = House(folder, key)
    file = folder / "stages.json"
    file.write_text(json.dumps([STAGE] if stages is None else stages))
    settings = await asyncio.to_thread(
        read_settings,
        {
            "RELAY_HTTP": "127.0.0.1:0",
            "RELAY_UDP": "127.0.0.1:0",
            "RELAY_ID": "r-test",
            "RELAY_FANOUT": "python",
            "RELAY_SLATE": "0",
            "STAGES_FILE": str(file),
            "TOKEN_KEYS_FILE": str(house.write_keys()),
            **environ,
        },
    )
    house.process = await start(settings)
    try:
        yield house
    finally:
        await house.process.stop()


def prefer(transceiver: RTCRtpTransceiver, *names: str) -> None:
    codecs = RTCRtpSender.getCapabilities(transceiver.kind).codecs
    transceiver.setCodecPreferences([c for c in codecs if c.mimeType.lower() in names])


class Peer:
    """An aiortc client that speaks WHIP or WHEP."""

    def __init__(self, connection: RTCPeerConnection, resource: str, etag: str, token: str) -> None:
        self.connection, self.resource, self.etag, self.token = connection, resource, etag, token

    async def delete(self) -> int:
        async with aiohttp.ClientSession() as http:
            headers = {"Authorization": f"Bearer {self.token}"}
            async with http.delete(self.resource, headers=headers) as response:
                return response.status

    async def close(self) -> None:
        await self.connection.close()


async def post_offer(url: str, token: str, sdp: str, **more: str) -> tuple[int, str, CIMultiDictProxy[str]]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp", **more}
    async with aiohttp.ClientSession() as http, http.post(url, data=sdp, headers=headers) as response:
        return response.status, await response.text(), response.headers


async def connect(connection: RTCPeerConnection, url: str, token: str) -> Peer:
    """Open a session by WHIP or WHEP."""
    await connection.setLocalDescription(await connection.createOffer())
    status, text, headers = await post_offer(url, token, connection.localDescription.sdp)
    assert status == 201, text
    await connection.setRemoteDescription(RTCSessionDescription(text, "answer"))
    base = url.split("/wh", maxsplit=1)[0]
    return Peer(connection, base + headers["Location"], headers["ETag"], token)


async def publish(house: House, studio: StudioId = STUDIO, *, sound: bool = True, **shape: int) -> Peer:
    """A studio of aiortc that sends a drawn picture and a tone."""
    connection = RTCPeerConnection()
    video = connection.addTransceiver(clips.picture_track(**shape), "sendonly")
    prefer(video, "video/h264", "video/rtx")
    if sound:
        connection.addTransceiver(clips.sound_track(), "sendonly")
    return await connect(connection, f"{house.url}/whip/{studio}", house.publish_token(studio))


async def watch(house: House, show: ShowId = SHOW) -> Peer:
    """A viewer of aiortc."""
    connection = RTCPeerConnection()
    prefer(connection.addTransceiver("video", "recvonly"), "video/h264", "video/rtx")
    connection.addTransceiver("audio", "recvonly")
    return await connect(connection, f"{house.url}/whep/{show}", house.view_token(show))


async def until(condition: Any, seconds: float = 40.0) -> None:
    """Wait until a condition holds; fails after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event: any state of the relay)
            await asyncio.sleep(0.01)
