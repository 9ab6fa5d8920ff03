"""The picture that stands where a studio should be: drawn and encoded once, by a helper process.

`python -m streaming.slate H264` writes it to stdout as JSON; the relay starts it and never touches a
pixel itself. The picture says nothing in any language: a quiet room, a light that breathes.
"""

from __future__ import annotations

import asyncio
import base64
import fractions
import json
import math
import sys
from typing import Final, cast

from .contract import Codec

WIDTH: Final = 1280
HEIGHT: Final = 720
FRAMES_PER_SECOND: Final = 10
LOOP_FRAMES: Final = 20  # two seconds: a keyframe as often as a studio owes one
HELPER_SECONDS: Final = 30.0
ENCODERS: Final[dict[Codec, tuple[str, dict[str, str]]]] = {
    "H264": (
        "libx264",
        {
            "preset": "veryfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": "repeat-headers=1:slices=1",
        },
    ),
    "VP8": ("libvpx", {"deadline": "good", "cpu-used": "4", "lag-in-frames": "0", "auto-alt-ref": "0"}),
}
_GROUND: Final = (20, 22, 26)
_LIGHT: Final = (240, 162, 82)
_INK: Final = (242, 238, 231)


async def make_pictures(codec: Codec) -> tuple[bytes, ...]:
    """Access units of one loop, the first a keyframe, made by the helper.

    Raises OSError, ValueError or TimeoutError when it cannot.
    """
    helper = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "streaming.slate",
        codec,
        stdout=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            out, _ = await helper.communicate()
    except (TimeoutError, asyncio.CancelledError):
        helper.kill()
        await helper.communicate()
        raise
    if helper.returncode != 0:
        raise ValueError(f"the slate's helper ended with code {helper.returncode}")
    return tuple(base64.b64decode(unit) for unit in json.loads(out))


def encode(codec: Codec) -> list[bytes]:
    """One loop, encoded. Only the helper calls it: it blocks, and it knows pixels."""
    import av  # noqa: PLC0415 (the relay itself never loads an encoder)

    name, options = ENCODERS[codec]
    encoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base = fractions.Fraction(1, FRAMES_PER_SECOND)
    encoder.framerate = fractions.Fraction(FRAMES_PER_SECOND, 1)
    encoder.bit_rate, encoder.gop_size, encoder.options = 400_000, LOOP_FRAMES, options
    units = []
    for number in range(LOOP_FRAMES):
        drawn = av.VideoFrame.from_image(_draw(number / LOOP_FRAMES))  # type: ignore[no-untyped-call]  # no stub
        frame = drawn.reformat(format="yuv420p")
        frame.pts = number
        units += [bytes(packet) for packet in encoder.encode(frame)]
    return units + [bytes(packet) for packet in encoder.encode(None)]


def _draw(phase: float):  # type: ignore[no-untyped-def]  # an image of Pillow, loaded by the helper alone
    from PIL import Image, ImageDraw  # noqa: PLC0415 (as above)

    breath = 0.5 - 0.5 * math.cos(2 * math.pi * phase)
    small = Image.radial_gradient("L").point(
        lambda level: int(max(0, 255 - level * 2) / 3 * (0.55 + 0.2 * breath))
    )
    top = 256 * (WIDTH - HEIGHT) // (2 * WIDTH)
    glow = small.crop((0, top, 256, 256 - top)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    image = Image.composite(
        Image.new("RGB", (WIDTH, HEIGHT), _LIGHT), Image.new("RGB", (WIDTH, HEIGHT), _GROUND), glow
    )
    draw = ImageDraw.Draw(image, "RGBA")
    for number in range(3):
        bright = 0.5 - 0.5 * math.cos(2 * math.pi * (phase - number / 6))
        x, y, radius = WIDTH // 2 + (number - 1) * 56, HEIGHT // 2, 11
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), (*_INK, int(70 + 150 * bright)))
    return image


def main() -> None:
    """Write one loop as JSON: a list of base64 access units."""
    codec: Codec = "VP8" if sys.argv[1:] == ["VP8"] else "H264"
    sys.stdout.write(json.dumps([base64.b64encode(unit).decode() for unit in encode(codec)]))


if __name__ == "__main__":
    main()
