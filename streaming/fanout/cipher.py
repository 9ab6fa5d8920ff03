"""SRTP and SRTCP of one viewer, written to be read beside RFC 3711 and RFC 7714.

It encrypts what it is given; that no index comes twice is the sender's law, not its own.
"""

from __future__ import annotations

import hmac
import struct
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .interface import Profile
from .keys import TAG_BYTES, SessionKeys

SRTCP_ENCRYPTED: Final = 1 << 31
CM_TAG_BYTES: Final = TAG_BYTES["SRTP_AES128_CM_SHA1_80"]


class Protection(Protocol):
    """How one viewer's packets are protected."""

    def rtp(self, header: bytes, body: bytes, ssrc: int, index: int) -> bytes:
        """The SRTP packet. `index` is the unwrapped 48-bit sequence number."""

    def rtcp(self, compound: bytes, index: int) -> bytes:
        """The SRTCP packet. `index` has 31 bits."""


class Gcm:
    """AEAD_AES_128_GCM (RFC 7714 sections 8 and 9)."""

    def __init__(self, rtp: SessionKeys, rtcp: SessionKeys) -> None:
        self._rtp, self._rtp_salt = AESGCM(rtp.key), int.from_bytes(rtp.salt, "big")
        self._rtcp, self._rtcp_salt = AESGCM(rtcp.key), int.from_bytes(rtcp.salt, "big")

    def rtp(self, header: bytes, body: bytes, ssrc: int, index: int) -> bytes:
        nonce = (ssrc << 48 | index) ^ self._rtp_salt
        return header + self._rtp.encrypt(nonce.to_bytes(12, "big"), body, header)

    def rtcp(self, compound: bytes, index: int) -> bytes:
        head, trailer = compound[:8], struct.pack("!I", SRTCP_ENCRYPTED | index)
        ssrc = int.from_bytes(head[4:], "big")
        nonce = (ssrc << 48 | index) ^ self._rtcp_salt
        return head + self._rtcp.encrypt(nonce.to_bytes(12, "big"), compound[8:], head + trailer) + trailer


class CounterMode:
    """AES128_CM_SHA1_80 (RFC 3711 sections 4.1.1 and 4.2.1)."""

    def __init__(self, rtp: SessionKeys, rtcp: SessionKeys) -> None:
        self._rtp, self._rtcp = rtp, rtcp

    def rtp(self, header: bytes, body: bytes, ssrc: int, index: int) -> bytes:
        packet = header + _keystream_xor(self._rtp, body, ssrc, index)
        rollover = struct.pack("!I", index >> 16)
        return packet + hmac.digest(self._rtp.auth, packet + rollover, "sha1")[:CM_TAG_BYTES]

    def rtcp(self, compound: bytes, index: int) -> bytes:
        ssrc = int.from_bytes(compound[4:8], "big")
        packet = compound[:8] + _keystream_xor(self._rtcp, compound[8:], ssrc, index)
        packet += struct.pack("!I", SRTCP_ENCRYPTED | index)
        return packet + hmac.digest(self._rtcp.auth, packet, "sha1")[:CM_TAG_BYTES]


def _keystream_xor(keys: SessionKeys, body: bytes, ssrc: int, index: int) -> bytes:
    counter = int.from_bytes(keys.salt, "big") << 16 ^ ssrc << 64 ^ index << 16
    return Cipher(algorithms.AES(keys.key), modes.CTR(counter.to_bytes(16, "big"))).encryptor().update(body)


def protection(profile: Profile, rtp: SessionKeys, rtcp: SessionKeys) -> Protection:
    """The protection of a profile."""
    return Gcm(rtp, rtcp) if profile == "SRTP_AEAD_AES_128_GCM" else CounterMode(rtp, rtcp)
