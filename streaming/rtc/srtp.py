"""Decrypting what one peer sends (RFC 3711, RFC 7714). Encrypting is the fan-out's alone."""

from __future__ import annotations

from typing import Final

from pylibsrtp import Error, Policy, Session

from .dtls import SrtpKeys

REPLAY_WINDOW_PACKETS: Final = 1024
PACKET_BYTES_MAX: Final = 1500

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
        self.refused = 0

    def rtp(self, data: bytes) -> bytes | None:
        """The plain RTP packet, or None when it is forged, repeated or too long."""
        try:
            return bytes(self._session.unprotect(data))
        except (Error, ValueError):
            self.refused += 1
            return None

    def rtcp(self, data: bytes) -> bytes | None:
        """The plain RTCP compound, or None."""
        try:
            return bytes(self._session.unprotect_rtcp(data))
        except (Error, ValueError):
            self.refused += 1
            return None
