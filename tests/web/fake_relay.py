"""A picture for page tests: a real WHEP answer by aiortc, one peer at a time, no forwarding, no reports.

It plays a clip where there is one and draws otherwise. The end-to-end tests use the relay itself.
"""

from __future__ import annotations

import asyncio
from fractions import Fraction
from pathlib import Path
from typing import Final

from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer, MediaRelay
from aiortc.mediastreams import VIDEO_CLOCK_RATE
from av import VideoFrame
from PIL import Image, ImageOps

CLIP: Final = Path(__file__).parents[3] / "shared/media/people-270p30-aac-30s.mp4"
FRAMES_A_SECOND: Final = 15
# aiortc takes no candidate as "nobody there": this one keeps it listening for the browser's checks.
SOMEBODY: Final = "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"


class DrawnScene(MediaStreamTrack):
    """A slow gradient, for machines without the clip; tall or wide."""

    kind = "video"

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.count = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / FRAMES_A_SECOND)
        light = Image.linear_gradient("L").rotate(self.count % 360).resize(self.size)
        frame = VideoFrame.from_image(ImageOps.colorize(light, "#46342c", "#d6b284"))
        frame.pts = self.count * VIDEO_CLOCK_RATE // FRAMES_A_SECOND
        frame.time_base = Fraction(1, VIDEO_CLOCK_RATE)
        self.count += 1
        return frame


class FakeRelay:
    """Answers offers; `close` ends all sessions."""

    def __init__(self, size: tuple[int, int] | None = None) -> None:
        self.size = size
        self.peers: set[RTCPeerConnection] = set()
        self.player: MediaPlayer | None = None
        self.relay = MediaRelay()

    def tracks(self) -> list[MediaStreamTrack]:
        if self.size or not CLIP.exists():
            return [DrawnScene(self.size or (640, 360))]
        if self.player is None:
            self.player = MediaPlayer(str(CLIP), loop=True)
        return [self.relay.subscribe(track) for track in (self.player.video, self.player.audio) if track]

    async def answer(self, offer: str) -> str:
        peer = RTCPeerConnection()
        self.peers.add(peer)
        await peer.setRemoteDescription(RTCSessionDescription(with_somebody(offer), "offer"))
        for track in self.tracks():
            peer.addTrack(track)
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    async def close(self) -> None:
        await asyncio.gather(*(peer.close() for peer in self.peers))
        self.peers.clear()
        if self.player:
            for track in (self.player.video, self.player.audio):
                if track:
                    track.stop()
            self.player = None


def with_somebody(offer: str) -> str:
    return offer.replace("a=mid:", SOMEBODY + "a=mid:")
