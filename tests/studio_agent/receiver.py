"""A WHIP server that can be read: aiortc receives and decodes what a studio publishes.

It passes the same conformance suite as the relay where a publisher is concerned, and can be told
to refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import av
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiortc import MediaStreamError, MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpPsfbPacket

WITHIN_S = 40.0


@dataclass
class Refusal:
    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Received:
    """One session: what was decoded of it."""

    offer: str
    peer: RTCPeerConnection
    pictures: list[av.VideoFrame] = field(default_factory=list)
    sounds: int = 0
    picture_came: asyncio.Event = field(default_factory=asyncio.Event)
    is_deleted: bool = False

    async def wait_for_pictures(self, count: int) -> None:
        await self._wait(lambda: len(self.pictures) >= count)

    async def wait_for_sounds(self, count: int) -> None:
        await self._wait(lambda: self.sounds >= count)

    async def keyframe_after(self, count: int) -> int:
        """The number of the first keyframe behind so many pictures, once it has come."""
        await self._wait(lambda: any(frame.key_frame for frame in self.pictures[count:]))
        return next(n for n, frame in enumerate(self.pictures) if n >= count and frame.key_frame)

    async def _wait(self, come: Callable[[], bool]) -> None:
        """Wait for something that pictures bring along."""
        async with asyncio.timeout(WITHIN_S):
            while not come():
                self.picture_came.clear()
                await self.picture_came.wait()

    async def ask_for_keyframe(self) -> None:
        """PLI, as a relay sends it."""
        receiver = next(t.receiver for t in self.peer.getTransceivers() if t.kind == "video")
        source = next(iter(receiver.getSynchronizationSources())).source
        await receiver._send_rtcp(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=source))


class Receiver:
    """`refusals` are answered first, then sessions are taken."""

    def __init__(self, token: str = "") -> None:
        self.token = token
        self.refusals: list[Refusal] = []
        self.posts = 0
        self.sessions: dict[str, Received] = {}
        self.came = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/whip/{studio}", self._post)
        app.router.add_delete("/whip/{studio}/{session}", self._delete)
        app.router.add_patch("/whip/{studio}/{session}", self._patch)
        return app

    async def session(self, number: int, within_s: float = WITHIN_S) -> Received:
        """The session of that number, counted from 0, once it has come."""
        async with asyncio.timeout(within_s):
            while len(self.sessions) <= number:
                self.came.clear()
                await self.came.wait()
        return list(self.sessions.values())[number]

    async def close(self) -> None:
        await asyncio.gather(*(session.peer.close() for session in self.sessions.values()))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _post(self, request: web.Request) -> web.Response:
        self.posts += 1
        if self.refusals:
            refusal = self.refusals.pop(0)
            return web.json_response(
                {"title": "told to refuse"}, status=refusal.status, headers=refusal.headers
            )
        if not self._knows(request):
            return web.json_response({"title": "token unknown"}, status=401)
        if request.content_type != "application/sdp":
            return web.Response(status=415)
        offer, name = await request.text(), secrets.token_urlsafe(16)
        if not all(word in offer for word in ("m=", "a=fingerprint:", "a=ice-ufrag:", "a=setup:")):
            return web.json_response({"title": "malformed SDP"}, status=400)
        received = Received(offer, RTCPeerConnection())
        received.peer.on("track", lambda track: self._take(received, track))
        await received.peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        await received.peer.setLocalDescription(await received.peer.createAnswer())
        self.sessions[name] = received
        self.came.set()
        headers = {"Location": f"{request.path}/{name}", "ETag": f'"{name[:8]}"'}
        text = received.peer.localDescription.sdp
        return web.Response(status=201, text=text, content_type="application/sdp", headers=headers)

    def _knows(self, request: web.Request) -> bool:
        return not self.token or request.headers.get("Authorization") == f"Bearer {self.token}"

    async def _patch(self, request: web.Request) -> web.Response:
        """It takes no trickle and no restart, which a server may refuse (RFC 9725 section 4.3.1)."""
        if not self._knows(request):
            return web.Response(status=401)
        received = self.sessions.get(request.match_info["session"])
        return web.Response(status=404 if received is None or received.is_deleted else 422)

    async def _delete(self, request: web.Request) -> web.Response:
        if not self._knows(request):
            return web.Response(status=401)
        received = self.sessions.get(request.match_info["session"])
        if received is None:
            return web.Response(status=404)
        received.is_deleted = True
        await received.peer.close()
        return web.Response(status=200)

    def _take(self, received: Received, track: MediaStreamTrack) -> None:
        task = asyncio.create_task(self._drain(received, track))
        self._tasks.add(task)

    async def _drain(self, received: Received, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    received.pictures.append(frame)
                    received.picture_came.set()
                else:
                    received.sounds += 1


@contextlib.asynccontextmanager
async def running(receiver: Receiver):  # type: ignore[no-untyped-def]  # an async generator of (server)
    """The receiver on a port of its own."""
    server = TestServer(receiver.app())
    await server.start_server()
    try:
        yield server
    finally:
        await receiver.close()
        await server.close()
