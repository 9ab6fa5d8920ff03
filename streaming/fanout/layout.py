"""How a viewer's header extensions lie, and how a frame is cut into sends. Pure arithmetic.

Both twins take their bytes from here, so no layout is decided in C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .interface import Track

ABSENT: Final = -1
SEND_TIME_BYTES: Final = 3
CAPTURE_TIME_BYTES: Final = 8
ONE_BYTE_PROFILE: Final = 0xBEDE
TWO_BYTE_PROFILE: Final = 0x1000

BLOCK_LIMIT_BYTES: Final = 128
GSO_SEGMENTS: Final = 64  # UDP_MAX_SEGMENTS of older kernels
GSO_BYTES: Final = 65_000  # below the 65,507 that a UDP datagram may carry
PADDING_LIMIT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Block:
    """One extension block, ready to copy. Offsets say where the changing values go, or ABSENT."""

    octets: bytes = b""
    send_time_at: int = ABSENT
    capture_time_at: int = ABSENT


@dataclass(frozen=True, slots=True)
class Layout:
    """The block of a plain packet, and of one that carries abs-capture-time."""

    plain: Block
    capture: Block


def layout(track: Track) -> Layout:
    """Lay a track's extensions out (RFC 8285). ValueError for an id or value that cannot be sent."""
    constants = list(track.constants)
    send = [(track.abs_send_time_id, bytes(SEND_TIME_BYTES))] if track.abs_send_time_id else []
    capture = [(track.abs_capture_time_id, bytes(CAPTURE_TIME_BYTES))] if track.abs_capture_time_id else []
    everything = send + capture + constants
    _check(everything)
    if sum(len(value) + 2 for _, value in everything) > BLOCK_LIMIT_BYTES - 8:
        raise ValueError(f"extensions do not fit {BLOCK_LIMIT_BYTES} bytes")
    two_byte = any(number > 14 for number, _ in everything)  # RFC 8285 section 4.2
    return Layout(
        plain=_block(send, [], constants, two_byte),
        capture=_block(send, capture, constants, two_byte),
    )


def _check(elements: list[tuple[int, bytes]]) -> None:
    numbers = [number for number, _ in elements]
    if len(set(numbers)) != len(numbers) or any(not 1 <= number <= 255 for number in numbers):
        raise ValueError("extension ids must differ and lie in 1..255")
    if any(not 1 <= len(value) <= 16 for _, value in elements):
        raise ValueError("an extension's value has 1 to 16 bytes")


def _block(
    send: list[tuple[int, bytes]],
    capture: list[tuple[int, bytes]],
    constants: list[tuple[int, bytes]],
    two_byte: bool,
) -> Block:
    elements = send + capture + constants
    if not elements:
        return Block()
    body, starts = bytearray(), []
    for number, value in elements:
        body += bytes([number, len(value)]) if two_byte else bytes([number << 4 | len(value) - 1])
        starts.append(4 + len(body))
        body += value
    body += bytes(-len(body) % 4)
    profile = TWO_BYTE_PROFILE if two_byte else ONE_BYTE_PROFILE
    return Block(
        octets=struct.pack("!HH", profile, len(body) // 4) + bytes(body),
        send_time_at=starts[0] if send else ABSENT,
        capture_time_at=starts[len(send)] if capture else ABSENT,
    )


def paddings(sizes: list[int]) -> list[int]:
    """RTP padding that makes the packets of a frame equal, where a few bytes suffice.

    Browsers cut a frame into packets that differ by a byte, small ones first: equal sizes make one
    GSO run of it. The last packet may stay smaller.
    """
    largest = max(sizes)
    wanted = [largest - size for size in sizes[:-1]]
    return [pad if pad <= PADDING_LIMIT_BYTES else 0 for pad in wanted] + [0]


def runs(sizes: list[int]) -> list[tuple[int, int]]:
    """Cut datagrams into GSO runs [start, end): all of one size, only the last of a run smaller."""
    cuts, start = [0], 0
    for i, (before, size) in enumerate(pairwise(sizes), start=1):
        whole = (i - start + 1) * sizes[start] <= GSO_BYTES and i - start < GSO_SEGMENTS
        if before != sizes[start] or size > sizes[start] or not whole:
            cuts.append(i)
            start = i
    return list(pairwise([*cuts, len(sizes)]))


def send_time(now_ns: int) -> bytes:
    """abs-send-time: 24 bits of seconds in 6.18 fixed point. Receivers use differences alone."""
    seconds, rest_ns = divmod(now_ns, 1_000_000_000)
    return ((seconds % 64) << 18 | (rest_ns << 18) // 1_000_000_000).to_bytes(3, "big")
