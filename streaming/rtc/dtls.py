"""DTLS-SRTP with one peer: aiortc's handshake over our own datagrams, the keys handed to us.

Nothing of aiortc but its DTLS runs here. The private members used are named in
tests/streaming/rtc/test_dtls.py, which fails when a newer aiortc changes them. SRTP is not its
business: the keys go to the session, which decrypts, and to the fan-out, which encrypts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
    State,
)
from OpenSSL import SSL

from .sdp import Fingerprint

PROFILES: Final = [SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80]  # the cheaper first
RECORDS_MAX: Final = 32  # waiting for one peer; a handshake needs six
_EXPORTER: Final = b"EXTRACTOR-dtls_srtp"  # RFC 5764 section 4.2
# The suites of RFC 8827 section 6.5 for both kinds of certificate: GStreamer's is RSA.
_CIPHERS: Final = b":".join(
    (
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-RSA-CHACHA20-POLY1305",
        b"ECDHE-ECDSA-AES128-SHA",
        b"ECDHE-RSA-AES128-SHA",
        b"ECDHE-ECDSA-AES256-SHA",
        b"ECDHE-RSA-AES256-SHA",
    )
)

Role = Literal["server", "client"]


class HandshakeFailed(Exception):
    """The peer could not prove who it is, or does not speak our suites."""


@dataclass(frozen=True, slots=True, repr=False)
class SrtpKeys:
    """What DTLS agreed on: 16-byte keys and the profile's salts. Without a repr: secrets stay secret."""

    profile: Literal["SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"]
    ours: bytes
    our_salt: bytes
    theirs: bytes
    their_salt: bytes


class Certificate(RTCCertificate):
    """The relay's certificate (P-256), with one TLS context for all its peers."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            self._context = super()._create_ssl_context(srtp_profiles)
            self._context.set_cipher_list(_CIPHERS)
        return self._context

    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """The SHA-256 fingerprint for our SDP."""
        return tuple(
            Fingerprint(f.algorithm, f.value) for f in self.getFingerprints() if f.algorithm == "sha-256"
        )


class _Wire:
    """What `RTCDtlsTransport` takes for an ICE transport: records in, records out."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.role = "controlled"
        self._out = send
        self._records: asyncio.Queue[bytes | None] = asyncio.Queue(RECORDS_MAX)

    def put(self, record: bytes | None) -> bool:
        try:
            self._records.put_nowait(record)
        except asyncio.QueueFull:
            return False
        return True

    async def _recv(self) -> bytes:
        record = await self._records.get()
        if record is None:
            raise ConnectionError
        return record

    async def _send(self, data: bytes) -> None:
        self._out(data)


class _Transport(RTCDtlsTransport):
    """aiortc's transport, except that the keys leave it."""

    keys: SrtpKeys | None = None
    turn: Callable[[], Awaitable[None]]

    async def _do_handshake(self) -> None:
        """As aiortc's, but each step of it waits for its turn."""
        ssl = self._ssl
        try:
            while ssl is not None and not self.encrypted:
                await self.turn()
                try:
                    ssl.do_handshake()
                    self.encrypted = True
                except SSL.WantReadError:
                    await self._write_ssl()
                    await self._recv_next()
        except (SSL.Error, ConnectionError):
            self._set_state(State.FAILED)

    def _setup_srtp(self) -> None:
        ssl = self._ssl
        if ssl is None:
            raise HandshakeFailed("keys were asked for before the handshake")
        chosen = ssl.get_selected_srtp_profile()
        profile = next((p for p in self._srtp_profiles if p.openssl_profile == chosen), None)
        if profile is None:
            self._set_state(State.FAILED)
            return
        material = ssl.export_keying_material(_EXPORTER, 2 * (profile.key_length + profile.salt_length))
        ours = 1 if self._role == "server" else 0
        halves = [profile.get_key_and_salt(material, side) for side in (ours, 1 - ours)]
        cut = profile.key_length
        self.keys = SrtpKeys(
            profile="SRTP_AEAD_AES_128_GCM" if profile is SRTP_AEAD_AES_128_GCM else "SRTP_AES128_CM_SHA1_80",
            ours=halves[0][:cut],
            our_salt=halves[0][cut:],
            theirs=halves[1][:cut],
            their_salt=halves[1][cut:],
        )


class Dtls:
    """One peer's DTLS association. `receive` records, `handshake` once, `stop` at the end."""

    def __init__(
        self,
        certificate: Certificate,
        role: Role,
        fingerprints: tuple[Fingerprint, ...],
        send: Callable[[bytes], None],
        turn: Callable[[], Awaitable[None]],
    ) -> None:
        """`turn` is awaited before each step of the handshake (the turnstile's `enter`)."""
        self.dropped_records = 0
        self._wire = _Wire(send)
        self._transport = _Transport(self._wire, [certificate])  # type: ignore[arg-type]  # ours has the members it uses
        self._transport.turn = turn
        self._transport._srtp_profiles = PROFILES
        self._transport._set_role(role)
        self._remote = RTCDtlsParameters([RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints])

    def receive(self, record: bytes) -> None:
        """A record of the peer; dropped and counted when too many wait."""
        if not self._wire.put(record):
            self.dropped_records += 1

    async def handshake(self) -> SrtpKeys:
        """Run it to its end. Raises HandshakeFailed."""
        await self._transport.start(self._remote)
        if self._transport.keys is None or self._transport.state != "connected":
            raise HandshakeFailed(f"DTLS ended in state {self._transport.state}")
        return self._transport.keys

    async def closed(self) -> None:
        """Return when the peer has said goodbye (close_notify) or `stop` was called."""
        pump = self._transport._task
        if pump is not None:
            await asyncio.wait([pump])
            if not pump.cancelled():
                pump.exception()  # read, so that nobody complains that it never was

    async def stop(self) -> None:
        """Say close_notify and end."""
        self._wire.put(None)
        await self._transport.stop()
