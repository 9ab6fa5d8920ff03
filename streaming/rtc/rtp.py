"""RTP packets as they lie on the wire (RFC 3550 section 5.1, RFC 8285, RFC 4588). Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_FIXED: Final = struct.Struct("!BBHII")
_ONE_BYTE: Final = 0xBEDE
_TWO_BYTES: Final = 0x1000


class RtpError(ValueError):
    """The bytes are not an RTP packet; the remote side is to blame."""


class RtpPacket(NamedTuple):
    """A parsed packet; `extensions` maps ids of RFC 8285 to their bytes, padding is cut off."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    extensions: dict[int, bytes]


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of the RTP range is RTCP (RFC 5761 section 4)."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def parse(data: bytes) -> RtpPacket:
    """Read a decrypted packet. Raises RtpError."""
    if len(data) < 12 or data[0] >> 6 != 2:
        raise RtpError("not an RTP packet")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    at = 12 + 4 * (first & 0x0F)
    extensions: dict[int, bytes] = {}
    if first & 0x10:
        if len(data) < at + 4:
            raise RtpError("the extension header is cut off")
        profile, words = struct.unpack_from("!HH", data, at)
        start, at = at + 4, at + 4 + 4 * words
        if len(data) >= at:
            extensions = dict(_extensions(profile, data[start:at]))
    padding = data[-1] if first & 0x20 else 0
    if len(data) < at + padding or (first & 0x20 and padding == 0):
        raise RtpError("the packet is shorter than its header says")
    return RtpPacket(
        second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, data[at : len(data) - padding], extensions
    )


def _extensions(profile: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        if data[at] == 0:
            at += 1
            continue
        if profile == _ONE_BYTE:
            name, size, at = data[at] >> 4, (data[at] & 0x0F) + 1, at + 1
            if name == 15:  # reserved: nothing behind it is read (RFC 8285 section 4.2)
                return
        elif profile & 0xFFF0 == _TWO_BYTES and at + 1 < len(data):
            name, size, at = data[at], data[at + 1], at + 2
        else:
            return
        if at + size > len(data):
            return
        yield name, data[at : at + size]
        at += size


def unwrap_retransmission(packet: RtpPacket, payload_type: int, ssrc: int) -> RtpPacket:
    """The packet that an RTX packet repeats (RFC 4588 section 4). Raises RtpError when it holds none."""
    if len(packet.payload) < 2:
        raise RtpError("a retransmission without a sequence number")
    return packet._replace(
        payload_type=payload_type,
        ssrc=ssrc,
        sequence=int.from_bytes(packet.payload[:2], "big"),
        payload=packet.payload[2:],
    )


def build(
    payload_type: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    extensions: dict[int, bytes] | None = None,
) -> bytes:
    """A packet with one-byte extensions (ids 1-14, 1-16 bytes each)."""
    first, block = 0x80, b""
    if extensions:
        first = 0x90
        body = b"".join(
            bytes(((name << 4) | (len(value) - 1),)) + value for name, value in extensions.items()
        )
        body += bytes(-len(body) % 4)
        block = struct.pack("!HH", _ONE_BYTE, len(body) // 4) + body
    second = payload_type | (0x80 if marker else 0)
    return (
        _FIXED.pack(first, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF)
        + block
        + payload
    )
