"""Keys of persons: AES-256-GCM under a key for each, wrapped by a master key that lives in a file.

Whoever has the database without the file, or the file without the wrapped key, reads nothing. To erase
a person is to destroy the wrapped key.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commerce.books.keyfile import read_or_make

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class WrongKey(Exception):
    """The bytes were not sealed under this key for this purpose, or they were changed."""


def seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """nonce ‖ ciphertext ‖ tag. `bound_to` names what it belongs to: moved elsewhere it does not open."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def unseal(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """The plain bytes; raises WrongKey."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError):
        raise WrongKey(bound_to) from None


@dataclass(frozen=True)
class Keyring:
    """The master key; makes, wraps and unwraps the keys of persons."""

    master: bytes = field(repr=False)

    def new_key(self, person: str) -> tuple[bytes, bytes]:
        """A fresh key and the same wrapped, to be stored."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, seal(self.master, key, f"person:{person}")

    @property
    def for_payments(self) -> bytes:
        """The key of what was said to payment firms: it may name payers, and has to be kept three years."""
        return hmac.digest(self.master, b"payment messages", "sha256")

    def digest(self, bound_to: str, secret: str) -> str:
        """64 hex digits that tell whether a short secret is given again; without the key, nothing."""
        key = hmac.digest(self.master, b"digests of secrets", "sha256")
        return hmac.new(key, f"{bound_to}\n{secret}".encode(), "sha256").hexdigest()

    def unwrap(self, person: str, wrapped: bytes) -> bytes:
        return unseal(self.master, wrapped, f"person:{person}")


async def open_keyring(path: Path) -> Keyring:
    """Read the master key, or make the file (0600) when there is none.

    Raises PermissionError when others can read it, ValueError when it is not 32 bytes.
    """
    return Keyring(await asyncio.to_thread(read_or_make, path, KEY_BYTES))
