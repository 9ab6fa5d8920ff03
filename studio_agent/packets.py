"""From access units to RTP payloads of equal size. Pure: bytes in, bytes out.

A relay sends a frame to many viewers by handing the kernel one buffer and one segment size (UDP
GSO): it can do so when all payloads of the frame are equal and only the last is shorter. So the
slice of a frame is cut into FU-A fragments (RFC 6184 section 5.8) of one size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LARGEST_PAYLOAD: Final = 1_160  # room for headers, SRTP, TURN under the 1,280 of IPv6
NAL_SEI: Final = 6
NAL_DELIMITER: Final = 9
NAL_STAP_A: Final = 24
NAL_FU_A: Final = 28
_TYPE: Final = 0x1F
_NRI: Final = 0x60
_START: Final = 0x80
_END: Final = 0x40


def nal_units(annex_b: bytes) -> Iterator[bytes]:
    """The NAL units of an Annex B stream, without start codes and trailing zeros."""
    mark = b"\0\0\1"
    at = annex_b.find(mark)
    while at >= 0:
        begin = at + 3
        at = annex_b.find(mark, begin)
        unit = annex_b[begin : at if at >= 0 else len(annex_b)].rstrip(b"\0")
        if unit:
            yield unit


def fragments(unit: bytes, largest: int = LARGEST_PAYLOAD) -> list[bytes]:
    """FU-A payloads of one NAL unit: all of one size, the last up to that size."""
    body = memoryview(unit)[1:]
    count = -(-len(body) // (largest - 2))
    size = -(-len(body) // count)
    indicator, kind = unit[0] & ~_TYPE & 0xFF | NAL_FU_A, unit[0] & _TYPE
    starts = range(0, len(body), size)
    payloads = []
    for at in starts:
        flags = (_START if at == 0 else 0) | (_END if at == starts[-1] else 0)
        payloads.append(bytes((indicator, kind | flags)) + body[at : at + size])
    return payloads


def aggregate(units: list[bytes]) -> bytes:
    """One STAP-A payload of several small units (RFC 6184 section 5.7.1)."""
    nri = max(unit[0] & _NRI for unit in units)
    return bytes((nri | NAL_STAP_A,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def h264_payloads(annex_b: bytes, largest: int = LARGEST_PAYLOAD) -> list[bytes]:
    """The RTP payloads of an access unit, in order; delimiters and SEI are left out.

    Small units that follow one another (the parameter sets) share a STAP-A.
    """
    payloads: list[bytes] = []
    small: list[bytes] = []

    def flush() -> None:
        if small:
            payloads.append(small[0] if len(small) == 1 else aggregate(small))
            small.clear()

    for unit in nal_units(annex_b):
        if unit[0] & _TYPE in (NAL_SEI, NAL_DELIMITER):
            continue
        if len(unit) > largest:
            flush()
            payloads += fragments(unit, largest)
            continue
        if 1 + sum(2 + len(other) for other in small) + 2 + len(unit) > largest:
            flush()
        small.append(unit)
    flush()
    return payloads
