"""What strangers send to the one UDP port: a door with two sessions, of which one must feel nothing.

The attacker has a session of its own (it may join like anybody), forges addresses, and sends STUN,
DTLS records and frames over TCP. The victim beside it is heard honestly all the time.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import hmac
import socket
import zlib
from typing import Any

from streaming.fanout import Address
from streaming.rtc import stun
from streaming.rtc.dtls import Certificate, SrtpKeys
from streaming.rtc.ear import Run
from streaming.rtc.port import Port, open_socket
from streaming.rtc.sdp import Fingerprint, IceCredentials
from streaming.rtc.session import Session
from streaming.rtc.strays import FAILURES_MAX
from streaming.rtc.tcp import FRAME_BYTES_MAX, TcpCounts, _Bridge

from .spoken import spoken

OURS, VICTIMS = IceCredentials("ours", "o" * 24), IceCredentials("victim", "v" * 24)
THEIRS = IceCredentials("theirs", "t" * 24)
HOME: Address = ("192.0.2.1", 5000)
ATTACKER: Address = ("192.0.2.2", 6000)
ELSEWHERE: Address = ("2001:db8::7", 7000)
SOURCES = (ATTACKER, ELSEWHERE, HOME, ("192.0.2.3", 1))
ID = bytes(range(12))
TURNS = 4  # of the loop, in which a record is worked on


class SilentPeer:
    """A peer that says nothing; how its session ended is remembered."""

    def __init__(self) -> None:
        self.end = ""
        self.extensions_read: tuple[int, ...] = ()

    def ready(self, keys: SrtpKeys, address: Address) -> None: ...
    def moved(self, address: Address) -> None: ...
    def rtp_came(self, data: bytes, now: float) -> None: ...
    def run_came(self, run: Run, now: float) -> None: ...
    def rtcp_came(self, data: bytes, now: float) -> None: ...

    def gone(self, reason: str) -> None:
        self.end = reason


@functools.cache
def certificate() -> Certificate:
    return Certificate.generateCertificate()


@functools.cache
def loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    made.set_exception_handler(_fail)
    return made


escaped: list[dict[str, Any]] = []


def _fail(_: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
    escaped.append(told)


@functools.cache
def sockets() -> tuple[socket.socket, socket.socket]:
    """One that nobody reads, for ports; one that hears what comes over TCP."""
    opened = open_socket("127.0.0.1", 0), open_socket("127.0.0.1", 0)
    for one in opened:
        atexit.register(one.close)
    return opened


class Door:
    """A port with the attacker's session and the victim's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.sent: list[tuple[bytes, Address]] = []
        self.port = Port(sockets()[0], lambda: self.now)
        self.port.send = lambda data, address: self.sent.append((data, address))  # type: ignore[method-assign]  # no network here
        self.attacker, self.victim = self._session(OURS), self._session(VICTIMS)
        self._speak()

    def _session(self, ice: IceCredentials) -> Session:
        session = Session(
            ice=ice,
            remote_ice=THEIRS,
            peer=SilentPeer(),
            certificate=certificate(),
            role="server",
            remote_fingerprints=(Fingerprint("sha-256", ":".join(["AB"] * 32)),),
            send=self.port.send,
            turn=_at_once,
            arrived=lambda session: None,
            forget=self.port.remove,
            born_s=self.now,
        )
        self.port.add(session)
        return session

    def _speak(self) -> None:
        """The victim's own check."""
        check = stun.binding_request(ID, "victim:theirs", VICTIMS.password.encode(), controlling=1)
        self.port._datagram(check, HOME, self.now)
        self.sent.clear()

    def arrive(self, data: bytes, source: Address) -> None:
        """A datagram of the attacker: nobody gets more than was sent, and the victim feels nothing."""
        self._speak()
        before = self._state()
        if data:
            self.port._datagram(data, source, self.now)
        for reply, where in self.sent:
            assert where == source, "a reply goes to somebody else"
            assert len(reply) <= len(data), "a reply is larger than its request"
        self.sent.clear()
        assert self._state() == before, "the victim felt it"

    def _state(self) -> tuple[object, ...]:
        victim = self.victim
        here = self.port._by_address.get(HOME) is victim and self.port._by_fragment.get("victim") is victim
        return here, victim.address, dict(victim.addresses), victim.consent_s, victim.reason, victim.ice

    def close(self) -> None:
        for session in (self.attacker, self.victim):
            session.end("enough")
        self.port.close()


async def _at_once() -> None:
    """Handshakes need not wait for their turn here."""


def signed(body: bytes, ending: bool) -> bytes:
    """The attacker's own check with any attributes, signed by the password that it was given."""
    attributes = stun._ATTRIBUTE.pack(stun.USERNAME, 11) + b"ours:theirs\0" + body + bytes(-len(body) % 4)
    unsigned = stun._HEADER.pack(stun.BINDING_REQUEST, len(attributes) + 24, stun.COOKIE, ID) + attributes
    whole = unsigned + stun._ATTRIBUTE.pack(stun.MESSAGE_INTEGRITY, 20)
    whole += hmac.digest(OURS.password.encode(), unsigned, "sha1")
    if not ending:
        return whole
    whole = stun._with_length(whole, len(whole) + 8)
    crc = zlib.crc32(whole) ^ stun._FINGERPRINT_XOR
    return whole + stun._ATTRIBUTE.pack(stun.FINGERPRINT, 4) + crc.to_bytes(4, "big")


async def _stun(data: bytes) -> None:
    door = Door()
    for wishes, said in spoken(data):
        door.now += 0.3 * (wishes >> 4)
        door.arrive(signed(said, bool(wishes & 8)) if wishes & 4 else said, SOURCES[wishes & 3])
    assert door.attacker.counts.bad_integrity + door.victim.counts.bad_integrity <= FAILURES_MAX * len(
        SOURCES
    )
    door.close()
    await asyncio.sleep(0)


async def _dtls(data: bytes) -> None:
    door = Door()
    door.arrive(stun.binding_request(ID, "ours:theirs", OURS.password.encode(), controlling=1), ATTACKER)
    replies: list[bytes] = []
    for wishes, said in spoken(data):
        if not said or said[0] < 4:
            continue
        source = ELSEWHERE if wishes & 1 else ATTACKER
        door.port._datagram(said, source, door.now)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert all(where == ATTACKER for _, where in door.sent), "a stranger is spoken to"
        replies += [reply for reply, _ in door.sent]
        door.sent.clear()
    assert not door.attacker.reason.startswith("broken"), door.attacker.reason
    assert not door.victim.reason
    door.close()
    for _ in range(TURNS):
        await asyncio.sleep(0)


class SilentWriter:
    """The writing half of a connection that nobody reads."""

    def __init__(self) -> None:
        self.transport = self

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


async def _tcp(data: bytes) -> None:
    reader, ear = asyncio.StreamReader(), sockets()[1]
    reader.feed_data(data)
    reader.feed_eof()
    bridge = _Bridge(SilentWriter(), ear.getsockname(), TcpCounts())  # type: ignore[arg-type]  # it writes, no more is asked
    try:
        await bridge.carry(reader)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        bridge.close()
    assert _heard(ear) == _framed(data), "frames and datagrams differ"


def _heard(ear: socket.socket) -> list[bytes]:
    heard = []
    while True:
        try:
            heard.append(ear.recv(FRAME_BYTES_MAX + 1))
        except BlockingIOError:
            return heard


def _framed(data: bytes) -> list[bytes]:
    """RFC 4571 read by someone who did not write it: whole frames up to the first impossible one."""
    frames: list[bytes] = []
    while len(data) >= 2:
        size = int.from_bytes(data[:2], "big")
        if not 0 < size <= FRAME_BYTES_MAX or len(data) < 2 + size:
            break
        frames.append(data[2 : 2 + size])
        data = data[2 + size :]
    return frames if frames and stun.looks_like_stun(frames[0]) else []


def _run(story: Any) -> None:
    loop().run_until_complete(story)
    told, escaped[:] = list(escaped), []
    assert not told, f"an exception escaped: {told}"


def stun_checks(data: bytes) -> None:
    _run(_stun(data))


def dtls_records(data: bytes) -> None:
    _run(_dtls(data))


def tcp_frames(data: bytes) -> None:
    _run(_tcp(data))
