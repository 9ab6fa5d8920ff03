"""The drawn studio as a source: moves the light, turns the jar, shows the time, sounds a chord.

All is drawn beforehand as planes of yuv420p; a picture is a few pastes into three grey images, so
that a machine that also encodes, relays and decodes hardly feels it.
"""

from __future__ import annotations

import math
import threading
import time
from array import array
from collections.abc import Iterator
from typing import Final

import av
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from . import still_life
from .kinds import CHUNK_SAMPLES, HEIGHT, SAMPLE_RATE_HZ, WIDTH, Clock, Picture, Sound, ticks
from .strip import CELLS, STRIP_HEIGHT, STRIP_TOP, write_strip

Planes = tuple[Image.Image, Image.Image, Image.Image]
JAR_PHASES: Final = 40
JAR_TURN_S: Final = 2.0
STEAM_PHASES: Final = 24
STEAM_LOOP_S: Final = 2.4
LAMP_PHASES: Final = 33
LAMP_SWING_S: Final = 5.0
LAMP_REACH_DEGREES: Final = 3.5
POOL_REACH_PX: Final = 40
POOL_TOP_PX: Final = 48
CLOCK_SIGNS: Final = "0123456789:. "
CLOCK_SIZE: Final = 30
CLOCK_AT: Final = (1060, 20)
DARK_LEVEL: Final = 34
LIGHT_LEVEL: Final = 216


def _fill(plane: av.video.plane.VideoPlane, pixels: bytes, row_bytes: int) -> None:
    """Copy tight rows into a plane whose rows may be longer."""
    if plane.line_size != row_bytes:
        gap = bytes(plane.line_size - row_bytes)
        starts = range(0, len(pixels), row_bytes)
        pixels = b"".join(pixels[at : at + row_bytes] + gap for at in starts)
    plane.update(pixels)


def planes_of(picture: Image.Image) -> Planes:
    """Brightness and the two colour planes of an RGB image of even size: BT.709, limited range."""
    rgb = av.VideoFrame(picture.width, picture.height, "rgb24")
    _fill(rgb.planes[0], picture.convert("RGB").tobytes(), picture.width * 3)
    frame = rgb.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
    grey = [
        Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)
        for plane in frame.planes
    ]
    return grey[0].copy(), grey[1].copy(), grey[2].copy()


def frame_of(planes: Planes) -> av.VideoFrame:
    """A video frame that holds a copy of the planes."""
    frame = av.VideoFrame(planes[0].width, planes[0].height, "yuv420p")
    for plane, grey in zip(frame.planes, planes, strict=True):
        _fill(plane, grey.tobytes(), grey.width)
    frame.colorspace = Colorspace.ITU709
    frame.color_range = ColorRange.MPEG
    return frame


class Sprite:
    """A picture with a soft edge, ready to be pasted into planes at even places."""

    def __init__(self, picture: Image.Image, mask: Image.Image) -> None:
        self.planes = planes_of(picture.convert("RGB"))
        half = mask.resize((mask.width // 2, mask.height // 2), Image.Resampling.BOX)
        self.masks = (mask, half, half)

    def paste(self, onto: Planes, x: int, y: int) -> None:
        places = ((x, y), (x // 2, y // 2), (x // 2, y // 2))
        for plane, own, mask, place in zip(onto, self.planes, self.masks, places, strict=True):
            plane.paste(own, place, mask)


class Scene:
    """What the picture is at a moment: `draw(unix_s)`."""

    def __init__(self) -> None:
        room = still_life.draw_room()
        lit, dim = planes_of(room), planes_of(still_life.dim(room))
        self._dim, self._lit = dim, lit
        self._now: Planes = (dim[0].copy(), dim[1].copy(), dim[2].copy())
        pool = still_life.draw_pool()
        half = pool.resize((pool.width // 2, pool.height // 2), Image.Resampling.BOX)
        self._pool = (pool, half, half)
        self._jar = [Sprite(jar, jar.getchannel("A")) for jar in still_life.draw_jar(JAR_PHASES)]
        self._lamp = [self._lamp_at(phase) for phase in range(LAMP_PHASES)]
        self._steam = [
            Sprite(Image.new("RGB", mask.size, still_life.CREAM), mask)
            for mask in (still_life.draw_steam(phase / STEAM_PHASES) for phase in range(STEAM_PHASES))
        ]
        self._signs = still_life.draw_signs(CLOCK_SIGNS, CLOCK_SIZE)
        self._cells = [
            Image.new("L", (WIDTH // CELLS, STRIP_HEIGHT), level) for level in (DARK_LEVEL, LIGHT_LEVEL)
        ]
        self._still_clock()

    @staticmethod
    def _lamp_at(phase: int) -> Sprite:
        share = 2 * phase / (LAMP_PHASES - 1) - 1
        lamp = still_life.draw_lamp(LAMP_REACH_DEGREES * share)
        return Sprite(lamp, lamp.getchannel("A"))

    def _still_clock(self) -> None:
        """Take the colour out of where the clock and the strip stand, once."""
        band = (0, STRIP_TOP // 2, WIDTH // 2, (STRIP_TOP + STRIP_HEIGHT) // 2)
        width = sum(self._signs[sign].width for sign in "00:00:00.000")
        x, y = CLOCK_AT[0] - 12, CLOCK_AT[1] - 6
        plate = (x, y, x + width + 24, y + self._signs["0"].height + 12)
        half_plate = (plate[0] // 2, plate[1] // 2, plate[2] // 2, plate[3] // 2)
        for planes in (self._dim, self._lit, self._now):
            planes[0].paste(30, plate)
            for colour in planes[1:]:
                colour.paste(128, band)
                colour.paste(128, half_plate)

    def draw(self, unix_s: float) -> av.VideoFrame:
        """The picture at a moment, its clock and strip saying that moment (UTC)."""
        swing = math.sin(2 * math.pi * unix_s / LAMP_SWING_S)
        self._light(round(POOL_REACH_PX * swing / 2) * 2)
        self._lamp[round((swing + 1) / 2 * (LAMP_PHASES - 1))].paste(self._now, WIDTH // 2 - 160, 0)
        self._jar[int(unix_s / JAR_TURN_S * JAR_PHASES) % JAR_PHASES].paste(self._now, 692, 432)
        self._steam[int(unix_s / STEAM_LOOP_S * STEAM_PHASES) % STEAM_PHASES].paste(self._now, 590, 352)
        self._tell(unix_s)
        return frame_of(self._now)

    def _light(self, shift: int) -> None:
        """The room in the dim, then in light under the lamp."""
        left = (WIDTH - self._pool[0].width) // 2 + shift
        for number, (plane, dim, lit) in enumerate(zip(self._now, self._dim, self._lit, strict=True)):
            plane.paste(dim, (0, 0))
            part = 1 if number == 0 else 2
            mask = self._pool[number]
            box = (
                left // part,
                POOL_TOP_PX // part,
                left // part + mask.width,
                POOL_TOP_PX // part + mask.height,
            )
            plane.paste(lit.crop(box), box, mask)

    def _tell(self, unix_s: float) -> None:
        unix_ms = round(unix_s * 1000)
        moment = time.gmtime(unix_ms // 1000)
        x, y = CLOCK_AT
        for sign in f"{time.strftime('%H:%M:%S', moment)}.{unix_ms % 1000:03d}":
            sprite = self._signs[sign]
            self._now[0].paste(sprite, (x, y))
            x += sprite.width
        width = WIDTH // CELLS
        for number, is_light in enumerate(write_strip(unix_ms)):
            self._now[0].paste(self._cells[is_light], (number * width, STRIP_TOP))


def draw_second() -> array[int]:
    """One second of sound, 48 kHz stereo s16, that joins its own end: a low chord, a bell at its start."""
    second = array("h", bytes(SAMPLE_RATE_HZ * 4))
    chord = ((220, 0.020), (330, 0.014), (440, 0.010))
    for sample in range(SAMPLE_RATE_HZ):
        moment = sample / SAMPLE_RATE_HZ
        turn = 2 * math.pi * moment
        level = sum(loud * math.sin(turn * pitch) for pitch, loud in chord)
        fade = min(1.0, 400 * moment) * math.exp(-9 * moment)
        level += 0.12 * fade * (math.sin(turn * 880) + 0.4 * math.sin(turn * 1760))
        second[2 * sample] = second[2 * sample + 1] = round(32767 * level)
    return second


class SceneSource:
    """The drawn scene at 30 pictures a second, and its sound."""

    fps = 30.0

    def __init__(self) -> None:
        self.skipped = 0
        self._scene = Scene()
        self._second = draw_second().tobytes()

    def pictures(self, clock: Clock, stop: threading.Event) -> Iterator[Picture]:
        for due_s, missed in ticks(1 / self.fps, clock, stop):
            self.skipped += missed
            yield Picture(self._scene.draw(due_s), due_s)

    def sounds(self, clock: Clock, stop: threading.Event) -> Iterator[Sound]:
        """The bell rings at every whole second of Unix time, when the clock in the picture turns."""
        size = CHUNK_SAMPLES * 4
        for due_s, _ in ticks(CHUNK_SAMPLES / SAMPLE_RATE_HZ, clock, stop):
            frame = av.AudioFrame("s16", "stereo", CHUNK_SAMPLES)
            frame.sample_rate = SAMPLE_RATE_HZ
            at = round(due_s % 1 * SAMPLE_RATE_HZ) // CHUNK_SAMPLES * size % len(self._second)
            frame.planes[0].update(self._second[at : at + size])
            yield Sound(frame, due_s)


__all__ = ["HEIGHT", "Scene", "SceneSource", "draw_second", "frame_of", "planes_of"]
