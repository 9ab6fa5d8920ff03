"""Cutting encoded pictures into RTP payloads (RFC 6184 for H.264, RFC 7741 for VP8). Pure.

Only the slate needs it: what comes from a studio is in packets already.
"""

from __future__ import annotations

import re
from typing import Final

from ..contract import Codec

PAYLOAD_BYTES: Final = 1100
_START_CODE: Final = re.compile(rb"\x00\x00\x00?\x01")
_FU_A: Final = 28
_STAP_A: Final = 24
_PARAMETER_SETS: Final = (7, 8)


def payloads(codec: Codec, picture: bytes) -> list[bytes]:
    """The payloads of one access unit, in order; the last one carries the marker bit.

    H.264 comes with start codes (Annex B). Raises ValueError for a codec without a rule here.
    """
    if codec == "H264":
        return _h264([unit for unit in _START_CODE.split(picture) if unit])
    if codec == "VP8":
        pieces = _pieces(picture, PAYLOAD_BYTES - 1)
        return [bytes((0x10 if number == 0 else 0x00,)) + piece for number, piece in enumerate(pieces)]
    raise ValueError(f"no packetisation of {codec}")


def _h264(units: list[bytes]) -> list[bytes]:
    sets = [unit for unit in units if unit[0] & 0x1F in _PARAMETER_SETS]
    out = []
    if sets:  # aggregated, so that they cannot be lost apart (section 5.7.1)
        out.append(bytes((0x60 | _STAP_A,)) + b"".join(len(u).to_bytes(2, "big") + u for u in sets))
    for unit in units:
        if unit[0] & 0x1F in _PARAMETER_SETS:
            continue
        out += [unit] if len(unit) <= PAYLOAD_BYTES else _fragments(unit)
    return out


def _fragments(unit: bytes) -> list[bytes]:
    """FU-A of equal sizes (section 5.8): equal packets travel in one system call."""
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    pieces = _pieces(unit[1:], PAYLOAD_BYTES - 2)
    last = len(pieces) - 1
    return [
        bytes((indicator, kind | (0x80 if number == 0 else 0) | (0x40 if number == last else 0))) + piece
        for number, piece in enumerate(pieces)
    ]


def _pieces(data: bytes, limit: int) -> list[bytes]:
    count = max(1, -(-len(data) // limit))
    size = -(-len(data) // count)
    return [data[at : at + size] for at in range(0, len(data), size)] or [b""]
