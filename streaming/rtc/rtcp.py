"""RTCP as a relay reads and writes it (RFC 3550 section 6, RFC 4585, RFC 5104, RFC 3611, REMB). Pure.

`parse` yields what a peer said as small values and steps over what it does not know; builders
return one packet each, and a compound is their concatenation.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
BYE: Final = 203
TRANSPORT_FEEDBACK: Final = 205
PAYLOAD_FEEDBACK: Final = 206
EXTENDED_REPORT: Final = 207

_FMT_NACK: Final = 1
_FMT_PLI: Final = 1
_FMT_FIR: Final = 4
_FMT_REMB: Final = 15
_XR_RECEIVER_TIME: Final = 4
_XR_DLRR: Final = 5
_LOST_MAX: Final = 0x7FFFFF
_NACKS_MAX: Final = 512  # sequence numbers read of one packet; a longer list is not believed


class RtcpError(ValueError):
    """The bytes are not RTCP; the remote side is to blame."""


class ReportBlock(NamedTuple):
    """What a receiver says of one source (RFC 3550 section 6.4.1); `delay` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest: int
    jitter: int
    last_report: int
    delay: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """NTP and RTP time of one moment, as the sender ties them together."""

    ssrc: int
    ntp: int
    rtp: int
    packets: int
    octets: int


class Reception(NamedTuple):
    """The report blocks of an SR or RR; `ssrc` is who reports."""

    ssrc: int
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """Sequence numbers that a receiver misses (RFC 4585 section 6.2.1)."""

    media_ssrc: int
    sequences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyframeRequest:
    """PLI or FIR: the receiver cannot go on without a keyframe."""

    media_ssrc: int


class Remb(NamedTuple):
    """The receiver's estimate of its path in bit/s (draft-alvestrand-rmcat-remb)."""

    bitrate: int


class ReceiverTime(NamedTuple):
    """XR RRTR: the receiver's clock, to be echoed as DLRR (RFC 3611 section 4.4)."""

    ssrc: int
    ntp: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The sources leave."""

    ssrcs: tuple[int, ...]


Heard: TypeAlias = SenderReport | Reception | Nack | KeyframeRequest | Remb | ReceiverTime | Goodbye


def parse(data: bytes) -> list[Heard]:
    """All that a compound says, in order. Raises RtcpError when its framing is broken."""
    heard: list[Heard] = []
    at = 0
    while at < len(data):
        if len(data) - at < 4 or data[at] >> 6 != 2:
            raise RtcpError("not an RTCP packet")
        first, kind, words = struct.unpack_from("!BBH", data, at)
        body = data[at + 4 : at + 4 + 4 * words]
        if len(body) < 4 * words:
            raise RtcpError("an RTCP packet is cut off")
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise RtcpError("RTCP padding is wrong")
            body = body[: -body[-1]]
        try:
            heard += _read(kind, first & 0x1F, body)
        except struct.error:
            raise RtcpError(f"RTCP packet of type {kind} is too short") from None
        at += 4 + 4 * words
    return heard


def _read(kind: int, count: int, body: bytes) -> list[Heard]:
    if kind == SENDER_REPORT:
        ssrc, ntp, rtp, packets, octets = struct.unpack_from("!IQIII", body)
        return [SenderReport(ssrc, ntp, rtp, packets, octets), Reception(ssrc, _blocks(body[24:], count))]
    if kind == RECEIVER_REPORT:
        return [Reception(struct.unpack_from("!I", body)[0], _blocks(body[4:], count))]
    if kind == BYE:
        return [Goodbye(struct.unpack_from(f"!{count}I", body))]
    if kind == TRANSPORT_FEEDBACK and count == _FMT_NACK:
        return [Nack(struct.unpack_from("!I", body, 4)[0], _missing(body[8:]))]
    if kind == PAYLOAD_FEEDBACK:
        return _payload_feedback(count, body)
    if kind == EXTENDED_REPORT:
        return _extended(body)
    return []


def _blocks(data: bytes, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for at in range(0, 24 * count, 24):
        ssrc, loss, highest, jitter, last, delay = struct.unpack_from("!IIIIII", data, at)
        lost = loss & 0xFFFFFF
        lost -= (lost & 0x800000) << 1  # signed, 24 bits
        blocks.append(ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last, delay))
    return tuple(blocks)


def _missing(data: bytes) -> tuple[int, ...]:
    sequences: list[int] = []
    for at in range(0, len(data) - 3, 4):
        first, bits = struct.unpack_from("!HH", data, at)
        sequences.append(first)
        sequences += [(first + 1 + bit) & 0xFFFF for bit in range(16) if bits >> bit & 1]
        if len(sequences) > _NACKS_MAX:
            break
    return tuple(sequences[:_NACKS_MAX])


def _payload_feedback(fmt: int, body: bytes) -> list[Heard]:
    if fmt == _FMT_PLI:
        return [KeyframeRequest(struct.unpack_from("!I", body, 4)[0])]
    if fmt == _FMT_FIR:
        return [KeyframeRequest(struct.unpack_from("!I", body, 8)[0])]
    if fmt == _FMT_REMB and body[8:12] == b"REMB":
        _, high, low = struct.unpack_from("!BBH", body, 12)
        return [Remb((((high & 3) << 16) | low) << (high >> 2))]
    return []


def _extended(body: bytes) -> list[Heard]:
    (ssrc,) = struct.unpack_from("!I", body)
    heard: list[Heard] = []
    at = 4
    while at + 4 <= len(body):
        kind, _, words = struct.unpack_from("!BBH", body, at)
        if kind == _XR_RECEIVER_TIME:
            heard.append(ReceiverTime(ssrc, struct.unpack_from("!Q", body, at + 4)[0]))
        at += 4 + 4 * words
    return heard


# -- builders ------------------------------------------------------------------------------------


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def sender_report(report: SenderReport) -> bytes:
    """SR without report blocks."""
    return _packet(
        SENDER_REPORT,
        0,
        struct.pack("!IQIII", report.ssrc, report.ntp, report.rtp, report.packets, report.octets),
    )


def receiver_report(ssrc: int, blocks: list[ReportBlock]) -> bytes:
    """RR of up to 31 sources."""
    body = struct.pack("!I", ssrc)
    for block in blocks:
        lost = max(-_LOST_MAX, min(_LOST_MAX, block.lost)) & 0xFFFFFF
        body += struct.pack(
            "!IIIIII",
            block.ssrc,
            block.fraction_lost << 24 | lost,
            block.highest & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_report,
            block.delay & 0xFFFFFFFF,
        )
    return _packet(RECEIVER_REPORT, len(blocks), body)


def source_description(ssrc: int, cname: str) -> bytes:
    """SDES with the CNAME alone, which ties sound and picture of one source together."""
    name = cname.encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name + b"\0"
    return _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(-len(chunk) % 4))


def nack(sender: int, media_ssrc: int, sequences: list[int]) -> bytes:
    """Generic NACK of sequence numbers, in the order of their loss."""
    pairs: list[tuple[int, int]] = []
    for sequence in sequences:
        distance = (sequence - pairs[-1][0] - 1) & 0xFFFF if pairs else 16
        if distance < 16:
            pairs[-1] = (pairs[-1][0], pairs[-1][1] | 1 << distance)
        else:
            pairs.append((sequence, 0))
    body = struct.pack("!II", sender, media_ssrc)
    return _packet(TRANSPORT_FEEDBACK, _FMT_NACK, body + b"".join(struct.pack("!HH", *p) for p in pairs))


def picture_loss(sender: int, media_ssrc: int) -> bytes:
    """PLI (RFC 4585 section 6.3.1)."""
    return _packet(PAYLOAD_FEEDBACK, _FMT_PLI, struct.pack("!II", sender, media_ssrc))


def remb(sender: int, bitrate: int, ssrcs: list[int]) -> bytes:
    """Receiver estimated maximum bitrate, in bit/s."""
    exponent = max(0, bitrate.bit_length() - 18)
    mantissa = bitrate >> exponent
    body = struct.pack(
        "!II4sBBH", sender, 0, b"REMB", len(ssrcs), exponent << 2 | mantissa >> 16, mantissa & 0xFFFF
    )
    return _packet(PAYLOAD_FEEDBACK, _FMT_REMB, body + b"".join(struct.pack("!I", s) for s in ssrcs))


def delay_since_receiver_time(sender: int, receiver: int, last: int, delay: int) -> bytes:
    """XR DLRR: answers RRTR; `last` is its middle 32 bits, `delay` in 1/65536 s (RFC 3611 section 4.5)."""
    block = struct.pack("!BBHIII", _XR_DLRR, 0, 3, receiver, last, delay)
    return _packet(EXTENDED_REPORT, 0, struct.pack("!I", sender) + block)


def goodbye(ssrcs: list[int]) -> bytes:
    """BYE of the sources."""
    return _packet(BYE, len(ssrcs), b"".join(struct.pack("!I", s) for s in ssrcs))
