"""Sound that repeats itself: each packet carries the ones before it once more (RFC 2198). Pure.

A lost packet is then made good by the next one that arrives, without a round trip. What is inside
the blocks is nobody's business here.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

OFFSET_TICKS_MAX: Final = (1 << 14) - 1  # section 3: so far back may a block lie
BLOCK_BYTES_MAX: Final = (1 << 10) - 1  # and so long may it be
BLOCKS_MAX: Final = 8  # read of one packet; nobody sends more
_BLOCK_HEADER: Final = struct.Struct("!I")


class RedundancyError(ValueError):
    """The payload is not of RFC 2198; the remote side is to blame."""


class Block(NamedTuple):
    """One earlier or the present payload; `age` in RTP ticks, 0 of the present one."""

    age: int
    payload: bytes


def wrap(payload_type: int, present: bytes, earlier: Sequence[Block], limit: int) -> bytes:
    """A payload with as many of the earlier blocks (oldest first) as may stand in it.

    `payload_type`: that of what is inside. `limit`: bytes of the whole; older blocks are left out first.
    """
    headers, bodies = b"", b""
    room = limit - 1 - len(present)
    for block in reversed(earlier):
        room -= _BLOCK_HEADER.size + len(block.payload)
        if room < 0 or not 0 < block.age <= OFFSET_TICKS_MAX or not 0 < len(block.payload) <= BLOCK_BYTES_MAX:
            break
        header = _BLOCK_HEADER.pack(1 << 31 | payload_type << 24 | block.age << 10 | len(block.payload))
        headers, bodies = header + headers, block.payload + bodies
    return headers + bytes([payload_type]) + bodies + present


def unwrap(payload: bytes, payload_type: int) -> list[Block]:
    """The blocks of `payload_type`, oldest first, the present one last. Raises RedundancyError."""
    sizes: list[tuple[int, int, int]] = []
    at = 0
    while at < len(payload) and payload[at] & 0x80:
        if len(payload) - at < _BLOCK_HEADER.size or len(sizes) >= BLOCKS_MAX:
            raise RedundancyError("a block header is cut off, or there are too many")
        (word,) = _BLOCK_HEADER.unpack_from(payload, at)
        sizes.append((word >> 24 & 0x7F, word >> 10 & OFFSET_TICKS_MAX, word & BLOCK_BYTES_MAX))
        at += _BLOCK_HEADER.size
    if at >= len(payload):
        raise RedundancyError("there is no present block")
    kind, at = payload[at], at + 1
    blocks = []
    for number, age, size in sizes:
        if at + size > len(payload):
            raise RedundancyError("a block is cut off")
        if number == payload_type and age and size:
            blocks.append(Block(age, payload[at : at + size]))
        at += size
    if kind != payload_type:
        raise RedundancyError(f"the present block is of payload type {kind}")
    return [*blocks, Block(0, payload[at:])]
