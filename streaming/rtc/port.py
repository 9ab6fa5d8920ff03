"""The relay's one UDP port: who a datagram is for, in as few steps as possible.

By source address when it is known; else, for STUN alone, by username fragment; anything else is
dropped before a byte of its content is believed. Knows sessions; never a show or a feed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ..fanout import Address
from . import stun
from .session import Session

BATCH_MAX: Final = 128  # datagrams read before the loop gets its turn again
DATAGRAM_BYTES_MAX: Final = 2048
BUFFER_BYTES: Final = 8 << 20
BAD_CHECKS_MAX: Final = 20  # per source and second; then its checks are not even verified
BAD_SOURCES_MAX: Final = 4096
_OWN_HOST: Final = ("127.0.0.1", "::1")


@dataclass(slots=True)
class PortCounts:
    """What came in, and what was dropped at the door."""

    datagrams: int = 0
    strangers: int = 0
    limited: int = 0
    unsent: int = 0


class Port:
    """Reads the socket, knows who is where, sends STUN and DTLS."""

    def __init__(self, sock: socket.socket, clock: Callable[[], float]) -> None:
        self.socket = sock
        self.flush: Callable[[], None] = lambda: None  # called after each batch of datagrams
        self.counts = PortCounts()
        self._clock = clock
        self._by_fragment: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self._bad: dict[str, int] = {}  # host -> failed checks since the last sweep
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading; the socket is the caller's."""
        self._loop.remove_reader(self.socket.fileno())

    def add(self, session: Session) -> None:
        """From now on checks for this session's fragments (and no others) are answered."""
        self._clear(session)
        for fragment in session.fragments:
            self._by_fragment[fragment] = session

    def remove(self, session: Session) -> None:
        """Forget a session and all its addresses."""
        for fragment in session.fragments:
            self._by_fragment.pop(fragment, None)
        for address in [a for a in session.addresses if self._by_address.get(a) is session]:
            del self._by_address[address]

    def call(self, session: Session, address: Address) -> None:
        """Send our own check to an address, and take what comes from there for this session's."""
        if session.dial is not None and self._by_address.setdefault(address, session) is session:
            session.addresses.setdefault(address, 0.0)
            self.send(session.dial.check(), address)

    def _clear(self, session: Session) -> None:
        """Forget what the session gave up by itself: addresses, credentials."""
        while session.evicted:
            self._by_address.pop(session.evicted.pop(), None)
        while session.retired:
            self._by_fragment.pop(session.retired.pop(), None)

    def send(self, data: bytes, address: Address) -> None:
        """One datagram of STUN or DTLS; what the kernel has no room for is lost, as on any network."""
        try:
            self.socket.sendto(data, address)
        except OSError:
            self.counts.unsent += 1

    def sweep(self) -> None:
        """Once a second: sources that failed may try again."""
        self._bad.clear()

    def _readable(self) -> None:
        now = self._clock()
        for _ in range(BATCH_MAX):
            try:
                data, source = self.socket.recvfrom(DATAGRAM_BYTES_MAX)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue  # an ICMP error of an earlier datagram; the next read goes on
            self.counts.datagrams += 1
            if data:
                self._datagram(data, source, now)
        self.flush()

    def _datagram(self, data: bytes, source: Address, now: float) -> None:
        session = self._by_address.get(source)
        if data[0] < 4:
            if session is not None and session.dial is not None and data[:2] == stun.SUCCESS_BYTES:
                session.called(data, source, now)
            else:
                self._check(data, source, now)
            return
        if session is None:
            self.counts.strangers += 1
        else:
            session.receive(data, source, now)

    def _check(self, data: bytes, source: Address, now: float) -> None:
        fragment = stun.local_fragment(data) if stun.looks_like_stun(data) else None
        session = self._by_fragment.get(fragment) if fragment is not None else None
        if session is None or fragment is None:
            self.counts.strangers += 1
            return
        # Peers over TCP come from this host, each from a port of its own (tcp.py).
        guesser = f"{source[0]}:{source[1]}" if source[0] in _OWN_HOST else source[0]
        if self._bad.get(guesser, 0) >= BAD_CHECKS_MAX:
            self.counts.limited += 1
            return
        failed = session.counts.bad_integrity
        reply = session.check(data, fragment, source, now)
        if session.counts.bad_integrity != failed:
            if len(self._bad) < BAD_SOURCES_MAX:
                self._bad[guesser] = self._bad.get(guesser, 0) + 1
        elif reply is not None:
            self._clear(session)
            if source in session.addresses:
                self._by_address[source] = session
            self.send(reply, source)


def open_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking UDP socket with room for bursts. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
