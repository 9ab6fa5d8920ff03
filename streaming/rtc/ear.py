"""Reading the port's socket: who is known by address, and what is done for them at once.

A burst of datagrams in; out, in order, what is left for somebody to judge. Of a *known* peer media is
decrypted, packets of one frame are gathered into a run, and a plain check is answered. The fast twin
does it in C (`fanout/c/ear.h`); the one here says the same slowly, and one suite holds both to it.
It knows addresses, keys and the form of packets; never a session's state, a feed or a viewer.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from ..fanout import PAYLOAD_LIMIT_BYTES, Address, native_ear
from . import rtp, stun
from .srtp import Inbound

RECEIVED_AT_ONCE: Final = 32
DATAGRAM_ROOM_BYTES: Final = 2048  # what is longer is cut off, and then no peer's

# What came of a known peer: a run, a whole packet that is special, a compound, a check that was
# answered (NOMINATED and UNSENT or'ed), or something that its keys do not vouch for.
RUN, RTP_PACKET, RTCP_COMPOUND, CHECK, REFUSED = range(5)
NOMINATED: Final = 1
UNSENT: Final = 2

_PLAIN: Final = {
    stun.USERNAME,
    stun.PRIORITY,
    stun.ICE_CONTROLLING,
    stun.USE_CANDIDATE,
    stun.MESSAGE_INTEGRITY,
    stun.FINGERPRINT,
}
_FIRST_OPTIONAL: Final = 0x8000
_MEDIA: Final = range(128, 192)  # RFC 7983
_CHECKS: Final = range(4)

PeerT = TypeVar("PeerT")


class Run(NamedTuple):
    """Packets of one frame that came behind one another: numbered on from `sequence`, of one timestamp.

    None is empty or has an extension that somebody wants to read. `marker`: the last one has it.
    """

    ssrc: int
    payload_type: int
    sequence: int
    timestamp: int
    marker: bool
    payloads: list[bytes]

    def packets(self) -> list[rtp.RtpPacket]:
        """The same one by one."""
        last = len(self.payloads) - 1
        return [
            rtp.RtpPacket(
                self.payload_type,
                self.marker and at == last,
                (self.sequence + at) & 0xFFFF,
                self.timestamp,
                self.ssrc,
                payload,
                {},
            )
            for at, payload in enumerate(self.payloads)
        ]


Unknown: TypeAlias = tuple[bytes, Address]  # of a stranger, or nothing that is done here
# (peer, RUN…REFUSED, what was said: a Run's fields, bytes or flags, the address)
Heard: TypeAlias = tuple[PeerT, int, Any, Address]


@dataclass(frozen=True, slots=True, repr=False)
class Acquaintance:
    """What the ear may do for one peer by itself. Without a repr: it holds a password."""

    keys: Inbound
    extensions: tuple[int, ...] = ()  # a packet that carries one of these is handed on whole
    fragment: str = ""  # a plain check for it, signed with the password, is answered; "": none is
    password: bytes = b""


class Ear(Protocol[PeerT]):
    """The reading half of a socket. Nothing here waits."""

    def know(self, address: Address, peer: PeerT, terms: Acquaintance) -> None:
        """From now on what comes from there is this peer's, if its keys or its password vouch for it."""

    def forget(self, address: Address) -> None:
        """Hand on whatever comes from there; nothing happens where nobody is known."""

    def receive(self) -> tuple[list[Unknown | Heard[PeerT]], int]:
        """What has come, in order, and how many datagrams it was, at most RECEIVED_AT_ONCE.

        Fewer than that: there is no more just now. Errors that the network reports are passed over.
        """


def open_ear(sock: socket.socket, *, native: bool = True) -> Ear[Any]:
    """The best ear that this machine has, for a bound, non-blocking UDP socket."""
    fast = native_ear(sock) if native else None
    return ReadableEar(sock) if fast is None else _NativeEar(fast)


class _NativeEar(Generic[PeerT]):
    """The fast twin: C, and libsrtp called from there."""

    def __init__(self, fast: Any) -> None:
        self._fast = fast
        self.forget, self.receive = fast.forget, fast.receive

    def know(self, address: Address, peer: PeerT, terms: Acquaintance) -> None:
        self._fast.know(
            address,
            peer,
            terms.keys,
            terms.keys.pointer,
            bytes(terms.extensions),
            terms.fragment.encode(),
            terms.password,
        )


class ReadableEar(Generic[PeerT]):
    """The readable twin."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._known: dict[Address, tuple[PeerT, Acquaintance]] = {}

    def know(self, address: Address, peer: PeerT, terms: Acquaintance) -> None:
        self._known[address] = peer, terms

    def forget(self, address: Address) -> None:
        self._known.pop(address, None)

    def receive(self) -> tuple[list[Unknown | Heard[PeerT]], int]:
        burst: _Burst[PeerT] = _Burst()
        datagrams = self._datagrams()
        for data, source in datagrams:
            peer, terms = self._known.get(source, (None, None))
            if peer is None or terms is None or not data:
                burst.came.append((data, source))
            elif data[0] in _MEDIA:
                burst.media(data, source, peer, terms)
            else:
                answered = self._answer(data, source, peer, terms) if data[0] in _CHECKS else None
                burst.came.append(answered or (data, source))
        burst.end_run()
        return burst.came, len(datagrams)

    def _datagrams(self) -> list[tuple[bytes, Address]]:
        came: list[tuple[bytes, Address]] = []
        for _ in range(RECEIVED_AT_ONCE):
            try:
                came.append(self._socket.recvfrom(DATAGRAM_ROOM_BYTES))
            except OSError:  # nothing more; or an ICMP error of an earlier datagram: the loop comes back
                break
        return came

    def _answer(self, data: bytes, source: Address, peer: PeerT, terms: Acquaintance) -> Heard[PeerT] | None:
        """None where it is no plain check: whoever reads on will judge."""
        try:
            check = stun.parse(data)
        except stun.StunError:
            return None
        plain = all(name in _PLAIN or name >= _FIRST_OPTIONAL for name in check.attributes)
        if not plain or stun.ICE_CONTROLLED in check.attributes or check.kind != stun.BINDING_REQUEST:
            return None
        named = terms.fragment and stun.USERNAME in check.attributes
        ours = named and stun.local_fragment(data) == terms.fragment
        if not ours or not stun.integrity_holds(check, terms.password):
            return None
        answer = stun.binding_success(check.transaction, (source[0], source[1]), terms.password)
        if len(answer) > len(data):  # nobody shall make us louder than themselves
            return None
        said = NOMINATED if stun.USE_CANDIDATE in check.attributes else 0
        try:
            self._socket.sendto(answer, source)
        except OSError:
            said |= UNSENT
        return peer, CHECK, said, source


class _Burst(Generic[PeerT]):
    """What is handed on of one burst of datagrams."""

    def __init__(self) -> None:
        self.came: list[Unknown | Heard[PeerT]] = []
        self._run: tuple[PeerT, Address, Run] | None = None  # gathered, not handed on yet

    def end_run(self) -> None:
        """Hand the run on that is gathered just now, if any."""
        if self._run is not None:
            peer, source, run = self._run
            self.came.append((peer, RUN, tuple(run), source))
            self._run = None

    def media(self, data: bytes, source: Address, peer: PeerT, terms: Acquaintance) -> None:
        """A datagram of RTP or RTCP."""
        is_rtcp = rtp.is_rtcp(data)
        plain = terms.keys.rtcp(data) if is_rtcp else terms.keys.rtp(data)
        if plain is None:
            self.came.append((peer, REFUSED, None, source))
            return
        more = None if is_rtcp else _as_run(plain, terms.extensions)
        theirs = self._run[2] if self._run is not None and self._run[0] is peer else None
        if more is None:
            if theirs is not None:  # one peer's words keep their order
                self.end_run()
            self.came.append((peer, RTCP_COMPOUND if is_rtcp else RTP_PACKET, plain, source))
        elif theirs is not None and _follows(theirs, more):
            longer = theirs._replace(marker=more.marker, payloads=theirs.payloads + more.payloads)
            self._run = peer, source, longer
        else:
            self.end_run()
            self._run = peer, source, more


def _as_run(plain: bytes, wanted: tuple[int, ...]) -> Run | None:
    """A run of one; None where the packet is special."""
    try:
        packet = rtp.parse(plain)
    except rtp.RtpError:
        return None
    if not 0 < len(packet.payload) <= PAYLOAD_LIMIT_BYTES or any(
        name in packet.extensions for name in wanted
    ):
        return None
    return Run(
        packet.ssrc, packet.payload_type, packet.sequence, packet.timestamp, packet.marker, [packet.payload]
    )


def _follows(run: Run, more: Run) -> bool:
    """Whether a packet is one more of the same frame, right behind."""
    return (
        not run.marker
        and more.sequence == (run.sequence + len(run.payloads)) & 0xFFFF
        and more.timestamp == run.timestamp
        and more[:2] == run[:2]
    )
