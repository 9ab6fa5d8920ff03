"""New ids, made where a request enters: sixteen letters and digits behind a word that says what they name."""

from __future__ import annotations

import os
import secrets
from typing import Final

ALPHABET: Final = (
    "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is mistaken for another
)
RANDOM_LETTERS: Final = 16  # 80 bits
_LETTER_OF_BYTE: Final = bytes([ord(ALPHABET[byte % 32]) for byte in range(256)])  # 32 divides 256: even


_DRAWN_AT_ONCE: Final = 64  # asking the kernel for each costs as much as ten lines of a handler
_drawn: list[str] = []
os.register_at_fork(after_in_child=_drawn.clear)


def new_id(prefix: str) -> str:
    """An id such as `or-7k2m9x…`. Prefixes: mr ac st pe ct sh of al or pa pg re."""
    try:
        return f"{prefix}-{_drawn.pop()}"
    except IndexError:
        return f"{prefix}-{_draw()}"


def _draw() -> str:
    """One of as many as are worth a system call; the others are kept for the next."""
    step = RANDOM_LETTERS
    letters = secrets.token_bytes(step * _DRAWN_AT_ONCE).translate(_LETTER_OF_BYTE).decode()
    _drawn.extend([letters[at : at + step] for at in range(step, len(letters), step)])
    return letters[:step]
