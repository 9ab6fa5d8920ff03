"""The nonce law of one SSRC: no index twice, none too old to know."""

from __future__ import annotations

from typing import Final

from .interface import REPEAT_WINDOW

_MASK: Final = (1 << REPEAT_WINDOW) - 1
INDEX_END: Final = 1 << 48


class RepeatGuard:
    """Remembers the newest index and which of the `REPEAT_WINDOW` before it were used."""

    def __init__(self) -> None:
        self._newest = -1
        self._used = 0  # bit i: newest - i

    def admit(self, index: int) -> bool:
        """True when the index was never used; it is used from now on."""
        if not 0 <= index < INDEX_END:
            return False
        ahead = index - self._newest
        if ahead > 0:
            shifted = self._used << ahead if ahead < REPEAT_WINDOW else 0
            self._used, self._newest = (shifted | 1) & _MASK, index
            return True
        bit = 1 << -ahead
        if -ahead >= REPEAT_WINDOW or self._used & bit:
            return False
        self._used |= bit
        return True
