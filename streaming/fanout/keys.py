"""From a viewer's master key to its session keys, and the memory of keys that were used.

It knows the key derivation of SRTP (RFC 3711 section 4.3) and nothing of packets.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .interface import Keys, Profile

KEY_BYTES: Final = 16
AUTH_KEY_BYTES: Final = 20
SALT_BYTES: Final[dict[Profile, int]] = {"SRTP_AEAD_AES_128_GCM": 12, "SRTP_AES128_CM_SHA1_80": 14}
TAG_BYTES: Final[dict[Profile, int]] = {"SRTP_AEAD_AES_128_GCM": 16, "SRTP_AES128_CM_SHA1_80": 10}
REMEMBERED_KEYS: Final = 1 << 16


@dataclass(frozen=True, slots=True, repr=False)
class SessionKeys:
    """What encrypts one direction of one protocol. `auth` is empty for GCM. No repr: secrets."""

    key: bytes
    salt: bytes
    auth: bytes


def derive(keys: Keys) -> tuple[SessionKeys, SessionKeys]:
    """Session keys for SRTP and SRTCP. ValueError when a length is wrong for the profile."""
    if keys.profile not in SALT_BYTES:
        raise ValueError(f"unknown SRTP profile {keys.profile}")
    if len(keys.master_key) != KEY_BYTES or len(keys.master_salt) != SALT_BYTES[keys.profile]:
        raise ValueError(f"wrong length of key or salt for {keys.profile}")
    return _protocol_keys(keys, first_label=0), _protocol_keys(keys, first_label=3)


def _protocol_keys(keys: Keys, first_label: int) -> SessionKeys:
    authenticates = keys.profile == "SRTP_AES128_CM_SHA1_80"
    return SessionKeys(
        key=_derived(keys, first_label, KEY_BYTES),
        salt=_derived(keys, first_label + 2, SALT_BYTES[keys.profile]),
        auth=_derived(keys, first_label + 1, AUTH_KEY_BYTES) if authenticates else b"",
    )


def _derived(keys: Keys, label: int, length: int) -> bytes:
    """AES-CM keystream at x = salt XOR label * 2**48; a GCM salt is padded right (RFC 7714 section 11)."""
    x = bytearray(keys.master_salt.ljust(14, b"\0") + b"\0\0")
    x[7] ^= label
    stream = Cipher(algorithms.AES(keys.master_key), modes.CTR(bytes(x))).encryptor()
    return stream.update(bytes(length))


class KeyLedger:
    """Remembers digests of the last keys that joined: a pair used twice would repeat nonces."""

    def __init__(self, limit: int = REMEMBERED_KEYS) -> None:
        self._limit = limit
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def enter(self, keys: Keys) -> bool:
        """True when the pair is new; it is remembered from now on."""
        digest = hashlib.blake2b(keys.master_key + keys.master_salt, digest_size=16).digest()
        if digest in self._seen:
            return False
        self._seen[digest] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return True
