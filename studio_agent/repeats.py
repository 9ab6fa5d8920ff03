"""Sound whose packets carry the one before once more (RFC 2198), so that a lost one is made good by the next.

As browsers do: one earlier packet in each. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct
from typing import Final

AGE_TICKS_MAX: Final = (1 << 14) - 1  # section 3: so far back may a block lie
BLOCK_BYTES_MAX: Final = (1 << 10) - 1  # and so long may it be
WRAPPED_BYTES_MAX: Final = 1_160  # as long as packets of the picture


class Repeats:
    """One stream's: `payload_type` is that of what is inside."""

    def __init__(self, payload_type: int) -> None:
        self._payload_type = payload_type
        self._before: tuple[int, bytes] | None = None

    def wrap(self, payload: bytes, timestamp: int) -> bytes:
        """The payload to send for this one; `timestamp` is its RTP time (32 bits)."""
        before, self._before = self._before, (timestamp, payload)
        present = bytes([self._payload_type])
        if before is None:
            return present + payload
        age, earlier = (timestamp - before[0]) & 0xFFFFFFFF, before[1]
        fits = 5 + len(earlier) + len(payload) <= WRAPPED_BYTES_MAX and 0 < len(earlier) <= BLOCK_BYTES_MAX
        if not fits or not 0 < age <= AGE_TICKS_MAX:
            return present + payload
        header = struct.pack("!I", 1 << 31 | self._payload_type << 24 | age << 10 | len(earlier))
        return header + present + earlier + payload
