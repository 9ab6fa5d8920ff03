"""New ids, made where a request enters: sixteen letters and digits behind a word that says what they name."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = (
    "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing that is mistaken for another
)
RANDOM_LETTERS: Final = 16  # 80 bits
_LETTER_OF_BYTE: Final = bytes([ord(ALPHABET[byte % 32]) for byte in range(256)])  # 32 divides 256: even


def new_id(prefix: str) -> str:
    """An id such as `or-7k2m9x…`. Prefixes: mr ac st pe ct sh of al or pa pg re."""
    return f"{prefix}-{secrets.token_bytes(RANDOM_LETTERS).translate(_LETTER_OF_BYTE).decode()}"
