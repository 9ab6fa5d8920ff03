"""Encodes once: H.264 Constrained Baseline for the picture, Opus for the sound.

No B-frames, no look-ahead, one slice a frame, a keyframe every two seconds and on wish, parameter
sets before every keyframe. Blocking: called from the threads of the sources. Knows no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
from av.video.frame import PictureType
from av.video.reformatter import Interpolation

from .layers import Layer
from .mixer import Chunk
from .sources.kinds import CHUNK_SAMPLES, HEIGHT, SAMPLE_RATE_HZ, WIDTH, Picture

KEYFRAME_EVERY_S: Final = 2.0
LEAST_BITRATE_BPS: Final = 300_000
OPUS_BITRATE_BPS: Final = 96_000
VIDEO_HZ: Final = 90_000
SMALLEST_STEP: Final = 0.05  # a rate nearer than this share to the present one is left


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One encoded frame, Annex B, and its capture time in Unix seconds."""

    data: bytes
    is_keyframe: bool
    captured_s: float


class PictureEncoder:
    """x264 through PyAV for one size and frame rate; the bit rate may change while it runs."""

    def __init__(
        self, fps: float, bitrate_bps: int, preset: str, size: tuple[int, int] = (WIDTH, HEIGHT)
    ) -> None:
        self.highest_bps = bitrate_bps
        self.bitrate_bps = bitrate_bps
        self._fps = fps
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = *size, "yuv420p"
        codec.time_base = Fraction(1, VIDEO_HZ)
        codec.framerate = Fraction(fps).limit_denominator(1001)
        codec.bit_rate = bitrate_bps
        codec.thread_count = 1
        codec.options = self._options(fps, bitrate_bps, preset)
        self._codec = codec
        self._origin_s: float | None = None

    @staticmethod
    def _options(fps: float, bitrate_bps: int, preset: str) -> dict[str, str]:
        x264 = "repeat-headers=1:slices=1:sliced-threads=0:rc-lookahead=0:sync-lookahead=0:fullrange=off"
        return {
            "preset": preset,
            "tune": "zerolatency",
            "profile": "baseline",
            "level": "3.1",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 2),
            "g": str(round(fps * KEYFRAME_EVERY_S)),
            "sc_threshold": "0",
            "forced-idr": "1",
            "bf": "0",
            "x264-params": f"{x264}:colorprim=bt709:transfer=bt709:colormatrix=bt709",
        }

    def steer(self, wish_bps: int) -> None:
        """Aim at a bit rate, between the least and the one it was made for."""
        wish_bps = min(max(LEAST_BITRATE_BPS, wish_bps), self.highest_bps)
        if abs(wish_bps - self.bitrate_bps) > SMALLEST_STEP * self.bitrate_bps:
            self.bitrate_bps = wish_bps
            self._codec.bit_rate = wish_bps

    def encode(self, picture: Picture, as_keyframe: bool) -> AccessUnit | None:
        """The frame as an access unit; None only if the codec kept it back."""
        frame = picture.frame
        if self._origin_s is None:
            self._origin_s = picture.captured_s
        frame.pts = round((picture.captured_s - self._origin_s) * VIDEO_HZ)
        frame.time_base = Fraction(1, VIDEO_HZ)
        frame.pict_type = PictureType.I if as_keyframe else PictureType.NONE
        packets = self._codec.encode(frame)
        if not packets:
            return None
        data = b"".join(bytes(packet) for packet in packets)
        return AccessUnit(data, any(packet.is_keyframe for packet in packets), picture.captured_s)


class LayeredEncoder:
    """One x264 for each size of a picture, all in the caller's thread, the largest first.

    Groups of pictures begin together; a keyframe on wish begins that encoding's group anew.
    """

    def __init__(self, fps: float, layers: tuple[Layer, ...], preset: str) -> None:
        self._layers = layers
        self._encoders = {
            layer.rid: PictureEncoder(fps, layer.bps, preset, (layer.width, layer.height)) for layer in layers
        }
        self._rested: set[str] = set()

    def encode(
        self, picture: Picture, keyframes: frozenset[str], rates: dict[str, int]
    ) -> Iterator[tuple[str, AccessUnit]]:
        """(rid, access unit) of each encoding with a rate; `keyframes`: rids that must begin a group."""
        scaled = picture
        for layer in self._layers:
            if not rates.get(layer.rid):
                self._rested.add(layer.rid)
                continue
            encoder = self._encoders[layer.rid]
            encoder.steer(rates[layer.rid])
            scaled = _scaled(scaled, layer)
            unit = encoder.encode(scaled, layer.rid in keyframes or layer.rid in self._rested)
            self._rested.discard(layer.rid)
            if unit is not None:
                yield layer.rid, unit


def _scaled(picture: Picture, layer: Layer) -> Picture:
    """The picture in a layer's size, made of the next larger one."""
    frame = picture.frame
    if (frame.width, frame.height) == (layer.width, layer.height):
        return picture
    small = frame.reformat(layer.width, layer.height, interpolation=Interpolation.AREA)
    return Picture(small, picture.captured_s)


class SoundEncoder:
    """Opus, 48 kHz stereo, one packet of 20 ms for every chunk."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        codec.bit_rate = OPUS_BITRATE_BPS
        codec.format = av.AudioFormat("s16")
        codec.layout = av.AudioLayout("stereo")
        codec.sample_rate = SAMPLE_RATE_HZ
        codec.time_base = Fraction(1, SAMPLE_RATE_HZ)
        codec.options = {"application": "audio", "frame_duration": "20"}
        self._codec = codec
        self._samples = 0

    def encode(self, chunk: Chunk) -> AccessUnit | None:
        frame = av.AudioFrame("s16", "stereo", CHUNK_SAMPLES)
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.planes[0].update(chunk.samples)
        frame.pts, self._samples = self._samples, self._samples + CHUNK_SAMPLES
        packets = self._codec.encode(frame)
        return AccessUnit(bytes(packets[0]), True, chunk.captured_s) if packets else None
