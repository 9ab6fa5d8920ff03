"""Moving pictures and sound for tests, encoded once: what a studio would send."""

from __future__ import annotations

import asyncio
import fractions
import functools
import math
import struct
import time
from pathlib import Path

import av
from aiortc import MediaStreamTrack

MEDIA = Path(__file__).parents[3] / "shared" / "media"
FRAMES_PER_SECOND = 30


@functools.cache
def h264(width: int = 1280, height: int = 720, seconds: int = 4, gop: int = 30) -> tuple[bytes, ...]:
    """Access units of a drawn picture, Constrained Baseline, a keyframe every `gop` frames."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate = fractions.Fraction(FRAMES_PER_SECOND, 1)
    codec.time_base = fractions.Fraction(1, FRAMES_PER_SECOND)
    codec.bit_rate = 1_500_000
    codec.gop_size = gop
    codec.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "repeat-headers": "1",
    }
    units = []
    for number in range(seconds * FRAMES_PER_SECOND):
        units += [bytes(packet) for packet in codec.encode(_picture(width, height, number))]
    units += [bytes(packet) for packet in codec.encode(None)]
    return tuple(units)


def _picture(width: int, height: int, number: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        row = bytes((x + 4 * number) & 0xFF for x in range(plane.line_size))
        plane.update(row * plane.height)
    frame.pts = number
    frame.time_base = fractions.Fraction(1, FRAMES_PER_SECOND)
    return frame


@functools.cache
def opus(seconds: int = 4) -> tuple[bytes, ...]:
    """Packets of 20 ms of a 440 Hz tone."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, "stereo", "s16"
    packets = []
    for number in range(seconds * 50):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        samples = [int(8000 * math.sin(2 * math.pi * 440 * (number * 960 + n) / 48_000)) for n in range(960)]
        frame.planes[0].update(b"".join(struct.pack("<hh", s, s) for s in samples))
        frame.sample_rate, frame.pts = 48_000, number * 960
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return tuple(packets)


class ReadyTrack(MediaStreamTrack):
    """A track of encoded packets, paced by the clock and looped: aiortc sends them as they are."""

    def __init__(self, kind: str, units: tuple[bytes, ...], per_second: int, rate_hz: int) -> None:
        self.kind = kind
        super().__init__()
        self._units, self._per_second, self._rate_hz = units, per_second, rate_hz
        self._number, self._began = 0, time.monotonic()

    async def recv(self) -> av.Packet:
        await asyncio.sleep(max(0.0, self._began + self._number / self._per_second - time.monotonic()))
        packet = av.Packet(self._units[self._number % len(self._units)])
        packet.pts = self._number * self._rate_hz // self._per_second
        packet.time_base = fractions.Fraction(1, self._rate_hz)
        self._number += 1
        return packet


def picture_track(**shape: int) -> ReadyTrack:
    return ReadyTrack("video", h264(**shape), FRAMES_PER_SECOND, 90_000)


def sound_track() -> ReadyTrack:
    return ReadyTrack("audio", opus(), 50, 48_000)
