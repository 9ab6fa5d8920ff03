"""Bytes of the packets that leave, before encryption. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from .interface import TrackCounts
from .layout import Block

SENDER_REPORT: Final = 200
SDES: Final = 202
CNAME: Final = 1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet of one viewer. `index` is its unwrapped own sequence, `timestamp` has 32 bits."""

    index: int
    timestamp: int
    marker: bool
    body: bytes
    capture_time: int | None


def rtp_header(ssrc: int, payload_type: int, packet: Outgoing, extension: bytes, padded: bool) -> bytes:
    """RTP header (RFC 3550 section 5.1) with its extension block."""
    first = 0x80 | (0x20 if padded else 0) | (0x10 if extension else 0)
    second = (0x80 if packet.marker else 0) | payload_type
    return struct.pack("!BBHII", first, second, packet.index & 0xFFFF, packet.timestamp, ssrc) + extension


def stamped(block: Block, send_time: bytes, capture_time: int | None) -> bytes:
    """An extension block with this packet's times in it."""
    octets = bytearray(block.octets)
    if block.send_time_at >= 0:
        octets[block.send_time_at : block.send_time_at + 3] = send_time
    if block.capture_time_at >= 0 and capture_time is not None:
        octets[block.capture_time_at : block.capture_time_at + 8] = capture_time.to_bytes(8, "big")
    return bytes(octets)


def padding(length: int) -> bytes:
    """RTP padding: its last byte counts it."""
    return bytes(length - 1) + bytes([length]) if length else b""


def sender_report(ssrc: int, ntp_time: int, timestamp: int, sent: TrackCounts, cname: bytes) -> bytes:
    """SR and SDES with a CNAME (RFC 3550 sections 6.4.1 and 6.5); counters wrap at 32 bits."""
    item = bytes([CNAME, len(cname)]) + cname + b"\0"
    item += bytes(-len(item) % 4)
    counted = (sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF)
    report = struct.pack("!BBHIQIII", 0x80, SENDER_REPORT, 6, ssrc, ntp_time, timestamp, *counted)
    return report + struct.pack("!BBHI", 0x81, SDES, 1 + len(item) // 4, ssrc) + item
