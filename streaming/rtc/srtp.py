"""Decrypting what one peer sends (RFC 3711, RFC 7714). Encrypting is the fan-out's alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi, lib

from .dtls import SrtpKeys

REPLAY_WINDOW_PACKETS: Final = 1024
PACKET_BYTES_MAX: Final = 1500
_OK: Final = 0  # srtp_err_status_ok

_PROFILES: Final = {
    "SRTP_AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "SRTP_AES128_CM_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class Inbound:
    """One peer's decrypting half; a packet that fails is counted and gone."""

    def __init__(self, keys: SrtpKeys) -> None:
        policy = Policy(
            key=keys.theirs + keys.their_salt,
            ssrc_type=Policy.SSRC_ANY_INBOUND,
            srtp_profile=_PROFILES[keys.profile],
        )
        policy.window_size = REPLAY_WINDOW_PACKETS
        self._session = Session(policy)
        # libsrtp is called without pylibsrtp's layers: they cost as much as the decryption.
        self._srtp = self._session._srtp[0]
        self._packet, self._length = ffi.new("char[]", PACKET_BYTES_MAX), ffi.new("int *")
        self._octets = ffi.buffer(self._packet)
        self.refused = 0

    @property
    def pointer(self) -> int:
        """Where libsrtp keeps this half; good while this object lives (the ear calls libsrtp from C)."""
        return int(ffi.cast("uintptr_t", self._srtp))

    def rtp(self, data: bytes) -> bytes | None:
        """The plain RTP packet, or None when it is forged, repeated or too long."""
        return self._plain(data, lib.srtp_unprotect)

    def rtcp(self, data: bytes) -> bytes | None:
        """The plain RTCP compound, or None."""
        return self._plain(data, lib.srtp_unprotect_rtcp)

    def _plain(self, data: bytes, unprotect: Callable[..., int]) -> bytes | None:
        size = len(data)
        if size <= PACKET_BYTES_MAX:
            self._octets[:size] = data
            self._length[0] = size
            if unprotect(self._srtp, self._packet, self._length) == _OK:
                plain: bytes = self._octets[: self._length[0]]
                return plain
        self.refused += 1
        return None
