"""A lean WebRTC client: ICE checks and a DTLS handshake on one UDP socket. No media engine behind it.

It stands on pyOpenSSL and libsrtp alone, so it is a stranger to what it measures; only the bytes of
a STUN request come from the project.
"""

from __future__ import annotations

import asyncio
import datetime
import functools
import re
import secrets
import socket
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL
from pylibsrtp import Policy, Session

from streaming.rtc import stun

GCM: Final = b"SRTP_AEAD_AES_128_GCM"
KEY_BYTES, SALT_BYTES = 16, 12
RETRY_SECONDS: Final = 0.25
TRIES: Final = 40
FIRST_FRAME_DATAGRAMS: Final = 2000


@functools.cache
def identity() -> tuple[SSL.Context, str]:
    """A DTLS context with one certificate for all clients of this process, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
    context.set_tlsext_use_srtp(GCM)
    digest = certificate.fingerprint(hashes.SHA256()).hex().upper()
    return context, ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind(("0.0.0.0", 0))  # Janus serves the machine's own address only, the relay loopback
    return sock


@dataclass(slots=True)
class Client:
    """One peer of a server under test."""

    socket: socket.socket = field(default_factory=_bound)
    fragment: str = field(default_factory=lambda: secrets.token_hex(4))
    password: str = field(default_factory=lambda: secrets.token_hex(12))
    server: tuple[str, int] = ("", 0)
    check: bytes = b""
    outbound: Session | None = None
    inbound: Session | None = None

    async def connect(self, server_sdp: str) -> None:
        """ICE and DTLS with the server of this SDP. Raises ConnectionError."""
        self.server, self.check = where(server_sdp), self._request(server_sdp)
        loop = asyncio.get_running_loop()
        await self._ask(loop)
        context, _ = identity()
        dtls = SSL.Connection(context)
        dtls.set_connect_state()
        for _ in range(TRIES):
            try:
                dtls.do_handshake()
                self._send_flight(dtls)
                break
            except SSL.WantReadError:
                self._send_flight(dtls)
                data = await self._hear(loop)
                if data is None:  # a check that came before the server was ready is said again
                    self.socket.sendto(self.check, self.server)
                    dtls.DTLSv1_handle_timeout()
                    self._send_flight(dtls)
                elif 20 <= data[0] <= 63:
                    dtls.bio_write(data)
        else:
            raise ConnectionError("no DTLS handshake")
        self._take_keys(dtls)

    async def first_frame(self) -> None:
        """Wait for the end of the first picture: an RTP packet with the marker. Raises ConnectionError."""
        loop = asyncio.get_running_loop()
        for _ in range(FIRST_FRAME_DATAGRAMS):
            data = await self._hear(loop)
            if data and 128 <= data[0] <= 191 and not 192 <= data[1] <= 223 and data[1] & 0x80:
                return
        raise ConnectionError("no picture came")

    def _take_keys(self, dtls: SSL.Connection) -> None:
        material = dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY_BYTES + SALT_BYTES))
        key, salt = material[:KEY_BYTES], material[2 * KEY_BYTES : 2 * KEY_BYTES + SALT_BYTES]
        their_key, their_salt = material[KEY_BYTES : 2 * KEY_BYTES], material[-SALT_BYTES:]
        self.outbound = _srtp(key + salt, Policy.SSRC_ANY_OUTBOUND)
        self.inbound = _srtp(their_key + their_salt, Policy.SSRC_ANY_INBOUND)

    def _request(self, sdp: str) -> bytes:
        theirs = _found(r"a=ice-ufrag:(\S+)", sdp), _found(r"a=ice-pwd:(\S+)", sdp)
        lite = "a=ice-lite" in sdp  # a full agent made the offer: it controls, and checks us too
        return stun.binding_request(
            secrets.token_bytes(12),
            f"{theirs[0]}:{self.fragment}",
            theirs[1].encode(),
            controlling=1 if lite else None,
            nominate=lite,
        )

    async def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(TRIES):
            self.socket.sendto(self.check, self.server)
            data = await self._hear(loop)
            if data is not None and data[:2] == b"\x01\x01":
                return
        raise ConnectionError("no answer to ICE checks")

    async def _hear(self, loop: asyncio.AbstractEventLoop) -> bytes | None:
        """The next datagram; checks of a full agent are answered. None: there was none for a while."""
        while True:
            try:
                data = await asyncio.wait_for(loop.sock_recv(self.socket, 4096), RETRY_SECONDS)
            except TimeoutError:
                return None
            if data[:2] != b"\0\1":
                return data
            self.answer_check(data)

    def answer_check(self, data: bytes) -> None:
        """The success response to a server's own check."""
        reply = stun.binding_success(data[8:20], self.server, self.password.encode())
        self.socket.sendto(reply, self.server)

    def _send_flight(self, dtls: SSL.Connection) -> None:
        while True:
            try:
                self.socket.sendto(dtls.bio_read(1500), self.server)
            except SSL.WantReadError:
                return

    def transport_lines(self, setup: str, host: str = "127.0.0.1") -> list[str]:
        """The SDP lines of this client's transport."""
        port = self.socket.getsockname()[1]
        return [
            f"a=ice-ufrag:{self.fragment}",
            f"a=ice-pwd:{self.password}",
            f"a=fingerprint:sha-256 {identity()[1]}",
            f"a=setup:{setup}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            f"a=candidate:1 1 udp 2130706431 {host} {port} typ host",
            "a=end-of-candidates",
        ]


def _srtp(key: bytes, direction: int) -> Session:
    profile = Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=profile)
    policy.window_size = 1024
    return Session(policy)


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise ConnectionError(f"the server's SDP has no {pattern}")
    return match[1]


def where(sdp: str) -> tuple[str, int]:
    candidates = re.findall(r"a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host", sdp, re.I)
    if not candidates:
        raise ConnectionError("the server's SDP has no host candidate")
    host, port = next((c for c in candidates if c[0] == "127.0.0.1"), candidates[0])
    return host, int(port)
