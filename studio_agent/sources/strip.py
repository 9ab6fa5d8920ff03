"""The clock strip: Unix time in the picture, as 64 dark and light cells in one row.

A row of cells runs over the full width of the picture, `STRIP_TOP` pixels from its top and
`STRIP_HEIGHT` high, twenty pixels a cell at 1280 x 720. From the left: four cells of levels
(light, dark, light, dark), 48 bits of Unix milliseconds with the highest first, eight bits of
CRC-8 over those six bytes (polynomial 0x07, start 0), four cells of levels (dark, light, dark,
light). A reader takes the brightness in the middle of every cell, the mean of the level cells as
threshold, and trusts the time only when the levels and the checksum agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

CELLS: Final = 64
STRIP_TOP: Final = 672
STRIP_HEIGHT: Final = 16
_HEAD: Final = (True, False, True, False)
_TAIL: Final = (False, True, False, True)
_TIME_BITS: Final = 48
_CRC_BITS: Final = 8
_LEAST_CONTRAST: Final = 24.0  # of 255; less is no strip


def crc8(data: bytes) -> int:
    """CRC-8 with polynomial x^8 + x^2 + x + 1 (0x07), start 0, no reflection."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def write_strip(unix_ms: int) -> tuple[bool, ...]:
    """The 64 cells of a moment; True is light. Raises OverflowError beyond 48 bits."""
    time_bytes = unix_ms.to_bytes(_TIME_BITS // 8, "big")
    word = unix_ms << _CRC_BITS | crc8(time_bytes)
    width = _TIME_BITS + _CRC_BITS
    bits = tuple(bool(word >> (width - 1 - i) & 1) for i in range(width))
    return (*_HEAD, *bits, *_TAIL)


def read_strip(levels: Sequence[float]) -> int | None:
    """Unix ms from the brightness (0..255) of the 64 cells; None when they carry no time."""
    if len(levels) != CELLS:
        return None
    known = [*zip(levels[:4], _HEAD, strict=True), *zip(levels[-4:], _TAIL, strict=True)]
    light = sum(level for level, is_light in known if is_light) / 4
    dark = sum(level for level, is_light in known if not is_light) / 4
    if light - dark < _LEAST_CONTRAST:
        return None
    word = 0
    for level in levels[4:-4]:
        word = word << 1 | (level > (light + dark) / 2)
    unix_ms, crc = word >> _CRC_BITS, word & 0xFF
    return unix_ms if crc8(unix_ms.to_bytes(_TIME_BITS // 8, "big")) == crc else None
