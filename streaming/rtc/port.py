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

import structlog

from ..fanout import Address
from . import stun
from .ear import CHECK, RECEIVED_AT_ONCE, RTCP_COMPOUND, UNSENT, Ear, Heard, open_ear
from .session import Session
from .strays import Guessers, Strays

BATCHES_MAX: Final = 4  # of RECEIVED_AT_ONCE, read before the loop gets its turn again
BUFFER_BYTES: Final = 8 << 20
_EVERY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (a comparison)
_FIRST_OF_MEDIA: Final = 128  # RFC 7983: what is below needs no keys

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class PortCounts:
    """What came in, and what was dropped at the door."""

    datagrams: int = 0
    strangers: int = 0
    limited: int = 0
    disputed: int = 0  # checks from where somebody else was heard just now
    asked: int = 0  # addresses from which a session's packets came, whether its peer is there
    found: int = 0  # it was
    oversized: int = 0  # replies that would be larger than what they answer
    broken: int = 0  # faults of ours that a datagram met
    unsent: int = 0


class Port:
    """Reads the socket, knows who is where, sends STUN and DTLS."""

    def __init__(
        self, sock: socket.socket, clock: Callable[[], float], ear: Ear[Session] | None = None
    ) -> None:
        """`ear`: how the socket is read, if not by the best way that this machine has."""
        self.socket = sock
        self._ear = ear or open_ear(sock)
        self.looks: Callable[[float], None] = lambda now: None  # called before the socket is read
        self.flush: Callable[[], None] = lambda: None  # called after each batch of datagrams
        self.counts = PortCounts()
        self._clock = clock
        self._by_fragment: dict[str, Session] = {}
        self._by_address: dict[Address, Session] = {}
        self.guessers = Guessers()
        self.strays = Strays(self.guessers)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading; the socket is the caller's."""
        self._loop.remove_reader(self.socket.fileno())

    @property
    def home(self) -> tuple[str, int]:
        """Where the port can be reached from this very host."""
        host, port = self.socket.getsockname()[:2]
        return _EVERY_HOST.get(host, host), port

    def add(self, session: Session) -> None:
        """From now on checks for this session's fragments (and no others) are answered."""
        self._clear(session)
        for fragment in session.fragments:
            self._by_fragment[fragment] = session
        self.acquaint(session)

    def remove(self, session: Session) -> None:
        """Forget a session and all its addresses."""
        self.strays.forget(session)
        for fragment in session.fragments:
            self._by_fragment.pop(fragment, None)
        for address in self._held_by(session):
            del self._by_address[address]
            self._ear.forget(address)

    def acquaint(self, session: Session) -> None:
        """Tell the ear what it may do for this session by itself: it has keys now, or has moved."""
        for address in self._held_by(session):
            terms = session.acquaintance(address)
            if terms is None:
                self._ear.forget(address)
            else:
                self._ear.know(address, session, terms)

    def _held_by(self, session: Session) -> list[Address]:
        return [a for a in session.addresses if self._by_address.get(a) is session]

    def call(self, session: Session, address: Address) -> None:
        """Send our own check to an address, and take what comes from there for this session's."""
        if session.dial is not None and self._by_address.setdefault(address, session) is session:
            session.addresses.setdefault(address, 0.0)
            self.send(session.dial.check(), address)

    def _clear(self, session: Session) -> None:
        """Forget what the session gave up by itself: addresses, credentials."""
        while session.evicted:
            address = session.evicted.pop()
            if self._by_address.pop(address, None) is not None:
                self._ear.forget(address)
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
        self.guessers.clear()
        self.strays.sweep(self._clock())

    def _readable(self) -> None:
        now = self._clock()
        self.looks(now)
        for _ in range(BATCHES_MAX):
            came, count = self._ear.receive()
            self.counts.datagrams += count
            for one in came:
                if len(one) == 4:
                    self._heard(one, now)
                    continue
                try:
                    self._datagram(*one, now)
                except Exception as broken:  # whoever sent it, the next datagram is another's
                    self._broke(*one, broken)
            if count < RECEIVED_AT_ONCE:
                break
        self.flush()

    def _heard(self, one: Heard[Session], now: float) -> None:
        session, what, said, source = one
        if what == CHECK and said & UNSENT:
            self.counts.unsent += 1
        if what == RTCP_COMPOUND and not session.reason:
            self.strays.spoke(session, said, source)
        try:
            session.heard(what, said, source, now)
        except Exception as broken:
            self.counts.broken += 1
            session.broke(broken)

    def _broke(self, data: bytes, source: Address, broken: Exception) -> None:
        """A fault of ours: it ends the session of a peer that has keys, and nobody else's."""
        self.counts.broken += 1
        session = self._by_address.get(source)
        if session is not None and data[0] >= _FIRST_OF_MEDIA:
            session.broke(broken)
        else:  # anybody can write any address on a datagram
            _log.error("datagram_broke", exc_info=broken)

    def _datagram(self, data: bytes, source: Address, now: float) -> None:
        session = self._by_address.get(source)
        if not data:
            return
        if data[0] < 4:
            if session is not None and session.calls and data[:2] == stun.SUCCESS_BYTES:
                session.called(data, source, now)
                self.acquaint(session)
            elif (
                session is not None or data[:2] != stun.SUCCESS_BYTES or not self._answered(data, source, now)
            ):
                self._check(data, source, now, session)
            return
        if session is None:
            self._stray(data, source, now)
        else:
            session.receive(data, source, now)

    def _check(self, data: bytes, source: Address, now: float, holder: Session | None) -> None:
        fragment = stun.local_fragment(data) if stun.looks_like_stun(data) else None
        session = self._by_fragment.get(fragment) if fragment is not None else None
        if session is None or fragment is None:
            self.counts.strangers += 1
            return
        if holder is not None and holder is not session and holder.heard_lately(source, now):
            self.counts.disputed += 1  # else a forged address would cut off whoever is there
            return
        if self.guessers.limited(source):
            self.counts.limited += 1
            return
        failed = session.counts.bad_integrity
        reply = session.check(data, fragment, source, now)
        if session.counts.bad_integrity != failed:
            self.guessers.failed(source)
        elif reply is not None:
            self._settle(session, source)
            if len(reply) <= len(data):
                self.send(reply, source)
            else:  # no agent's check is so short; nobody shall make us louder than themselves
                self.counts.oversized += 1

    def _stray(self, data: bytes, source: Address, now: float) -> None:
        """From where nobody is known: a stranger, or a peer that was somewhere else until now."""
        asks = self.strays.hear(data, source, now) if data[0] >= _FIRST_OF_MEDIA else None
        if asks is None:
            self.counts.strangers += 1
        elif asks:
            self.counts.asked += 1
            self.send(asks, source)

    def _answered(self, data: bytes, source: Address, now: float) -> bool:
        """Whether this answers a check of ours: then the peer is there."""
        session = self.strays.answered(data, source)
        if session is None:
            return False
        self.counts.found += 1
        session.found(source, now)
        self._settle(session, source)
        return True

    def _settle(self, session: Session, source: Address) -> None:
        """What a good check or answer from there has changed."""
        self._clear(session)
        if source in session.addresses:
            self._by_address[source] = session
        self.acquaint(session)


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
