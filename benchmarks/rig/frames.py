"""What a publisher sends: frames of H.264 packets with sizes and gaps, synthetic or recorded."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FRAMES_PER_SECOND: Final = 30
PACKETS_PER_FRAME: Final = 10
PAYLOAD_BYTES: Final = 1040  # 30 x 10 x 1,040 B = 2.5 Mbit/s
KEYFRAME_EVERY: Final = 60  # frames: 2 s
PACED_SECONDS: Final = 0.0013
RECORDED: Final = Path(__file__).parents[1] / "traces" / "chromium-720p.json"
_IDR, _SLICE = 5, 1
_PARAMETER_SETS: Final = bytes([24]) + b"".join(
    struct.pack("!H", len(unit)) + unit for unit in (bytes.fromhex("6742c01f"), bytes.fromhex("68ce3c80"))
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One packet: when after the frame's begin, and its payload."""

    after_s: float
    payload: bytes
    marker: bool


def payloads(sizes: list[int], keyframe: bool) -> list[bytes]:
    """Fragments (RFC 6184 section 5.8) of one picture; a keyframe's first packet has parameter sets."""
    kind, last, made = _IDR if keyframe else _SLICE, len(sizes) - 1, []
    for i, size in enumerate(sizes):
        if keyframe and i == 0:
            made.append(_PARAMETER_SETS.ljust(size, b"\0"))
            continue
        begins, ends = i == (1 if keyframe else 0), i == last
        made.append(bytes([0x7C, kind | begins << 7 | ends << 6]) + bytes(max(size - 2, 1)))
    return made


def frames(shape: str) -> Iterator[list[Planned]]:
    """Endless frames: `burst` and `paced` (1.3 ms apart) are equal packets, `recorded` is Chromium's."""
    number, trace = 0, _trace() if shape == "recorded" else []
    gap = PACED_SECONDS if shape == "paced" else 0.0
    while True:
        if trace:
            sizes, after = trace[number % len(trace)]
        else:
            sizes = [PAYLOAD_BYTES] * PACKETS_PER_FRAME
            after = [gap * i for i in range(PACKETS_PER_FRAME)]
        bodies = payloads(sizes, keyframe=number % KEYFRAME_EVERY == 0)
        yield [
            Planned(a, body, i == len(bodies) - 1)
            for i, (a, body) in enumerate(zip(after, bodies, strict=True))
        ]
        number += 1


def _trace() -> list[tuple[list[int], list[float]]]:
    """Frames of a recorded publisher: payload sizes, and milliseconds after the frame's first packet."""
    found = json.loads(RECORDED.read_text())
    return [(f["bytes"], [ms / 1000 for ms in f["after_ms"]]) for f in found["frames"]]
