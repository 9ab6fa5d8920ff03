"""Whether an RTP payload begins a keyframe, for each codec a show may fix. Pure.

A relay never decodes; it reads the few bytes in front. H.264: RFC 6184 (single NAL, STAP-A, FU-A);
VP8: RFC 7741 section 4; VP9: RFC 9628 section 4.2; AV1: the N bit of its RTP payload format.
"""

from __future__ import annotations

from typing import Final

from ..contract import Codec

NAL_IDR: Final = 5
NAL_SPS: Final = 7
NAL_PPS: Final = 8
_STAP_A: Final = 24
_FU_A: Final = 28


def h264_units(payload: bytes) -> list[int]:
    """Types of the NAL units that begin in this packet (RFC 6184 section 5)."""
    if not payload:
        return []
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        return [payload[1] & 0x1F] if len(payload) > 1 and payload[1] & 0x80 else []
    if kind != _STAP_A:
        return [kind]
    units, at = [], 1
    while at + 2 < len(payload):
        units.append(payload[at + 2] & 0x1F)
        at += 2 + int.from_bytes(payload[at : at + 2], "big")
    return units


def _h264_begins(payload: bytes) -> bool:
    """SPS or IDR: an encoder sends its parameter sets in front of the keyframe, in one picture."""
    kind = payload[0] & 0x1F if payload else 0
    if kind == _FU_A:  # nearly always, and seldom the first of its unit
        return len(payload) > 1 and payload[1] & 0x80 != 0 and payload[1] & 0x1F in (NAL_SPS, NAL_IDR)
    return any(unit in (NAL_SPS, NAL_IDR) for unit in h264_units(payload))


def _vp8_begins(payload: bytes) -> bool:
    if not payload or payload[0] & 0x17 != 0x10:  # start of the first partition
        return False
    at = 1
    if payload[0] & 0x80:
        if len(payload) < 2:
            return False
        flags, at = payload[1], 2
        if flags & 0x80:
            at += 2 if len(payload) > at and payload[at] & 0x80 else 1
        at += bool(flags & 0x40) + bool(flags & 0x30)
    return len(payload) > at and payload[at] & 1 == 0


def _vp9_begins(payload: bytes) -> bool:
    """P = 0 (not predicted) and B = 1 (start of the frame), lowest spatial layer."""
    if not payload or payload[0] & 0x48 != 0x08:
        return False
    at = 1
    if payload[0] & 0x80:
        at += 2 if len(payload) > at and payload[at] & 0x80 else 1
    return not payload[0] & 0x20 or (len(payload) > at and payload[at] & 0x0E == 0)


def _av1_begins(payload: bytes) -> bool:
    return bool(payload) and bool(payload[0] & 0x08)


_BEGINS: Final = {"H264": _h264_begins, "VP8": _vp8_begins, "VP9": _vp9_begins, "AV1": _av1_begins}


def begins_keyframe(codec: Codec, payload: bytes) -> bool:
    """Whether a keyframe's first packet, or one of its first, is this one."""
    return _BEGINS[codec](payload)
