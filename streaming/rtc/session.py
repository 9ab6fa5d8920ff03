"""One peer of the relay: its ICE credentials, its address, its DTLS, its keys.

It owns one task, from the first authenticated check to the end. What the peer sends is handed to
`Peer` decrypted; what the relay sends it goes through the fan-out, except STUN and DTLS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import structlog

from ..fanout import Address, FanoutFull
from . import ear, rtp, stun
from .dial import Dial
from .dtls import Certificate, Dtls, HandshakeFailed, Role, SrtpKeys
from .echo import Echo
from .sdp import Fingerprint, IceCredentials
from .srtp import Inbound

CONSENT_SECONDS: Final = 30.0  # RFC 7675 section 5.1
HANDSHAKE_SECONDS: Final = 15.0  # from the answer to keys; then the half-open session is freed
LOOK_SECONDS: Final = 0.002
LOOK_SECONDS_MAX: Final = 0.25  # behind the keys, for answers that are still on their way
SILENCE_SECONDS: Final = 2.0  # of the address in use, before a check from another one moves us
ADDRESSES_MAX: Final = 8  # candidate pairs of one peer that are remembered
PEER_SAID_GOODBYE: Final = "the peer said goodbye"


_log = structlog.get_logger(__name__)


class Peer(Protocol):
    """Who stands behind a session: a publisher's feed or a viewer."""

    @property
    def extensions_read(self) -> tuple[int, ...]:
        """Ids of header extensions that it wants to see: packets with one come by `rtp_came`."""

    def ready(self, keys: SrtpKeys, address: Address) -> None:
        """DTLS is done; `address` is where the peer is. Raises FanoutFull when there is no seat."""

    def rtp_came(self, data: bytes, now: float) -> None:
        """A decrypted RTP packet."""

    def run_came(self, run: ear.Run, now: float) -> None:
        """Several at once, of one frame and with nothing special about them."""

    def rtcp_came(self, data: bytes, now: float) -> None:
        """A decrypted RTCP compound."""

    def moved(self, address: Address) -> None:
        """The peer is to be reached at another address from now on."""

    def gone(self, reason: str) -> None:
        """The session has ended; called exactly once."""


@dataclass(slots=True)
class Counts:
    """What a session dropped, and why."""

    bad_integrity: int = 0
    undecryptable: int = 0
    before_keys: int = 0


@dataclass(slots=True, eq=False)
class Session:
    """One peer's transport. All methods but `run` are called by the port's reader and return at once."""

    ice: IceCredentials
    remote_ice: IceCredentials
    peer: Peer
    certificate: Certificate
    role: Role
    remote_fingerprints: tuple[Fingerprint, ...]
    send: Callable[[bytes, Address], None]
    turn: Callable[[], Awaitable[None]]
    arrived: Callable[[Session], None]  # once, when there are keys
    forget: Callable[[Session], None]
    born_s: float
    name: str = ""
    address: Address | None = None
    addresses: dict[Address, float] = field(default_factory=dict)  # checked -> last heard
    fragments: list[str] = field(default_factory=list)
    consent_s: float = 0.0
    nominated: bool = False
    connected: bool = False
    counts: Counts = field(default_factory=Counts)
    evicted: list[Address] = field(default_factory=list)  # for the port to forget
    retired: list[str] = field(default_factory=list)  # likewise
    dial: Dial | None = None  # set where we are the one who calls
    echo: Echo | None = None  # set where it is of use to know the path
    _passwords: dict[str, bytes] = field(default_factory=dict)
    _dtls: Dtls | None = None
    _inbound: Inbound | None = None
    _task: asyncio.Task[None] | None = None
    _closing: asyncio.Future[None] | None = None
    reason: str = ""  # why it ended; empty while it lives

    def __post_init__(self) -> None:
        self.accept_credentials(self.ice)
        self.consent_s = self.born_s

    @property
    def calls(self) -> bool:
        """Whether answers to checks of ours may come."""
        return self.dial is not None or self.echo is not None

    # -- ICE ---------------------------------------------------------------------------------------

    def accept_credentials(self, ice: IceCredentials) -> None:
        """Answer checks for this pair too (an ICE restart keeps the old one until it is nominated)."""
        self.fragments.append(ice.fragment)
        self._passwords[ice.fragment] = ice.password.encode()

    def restart(self, ours: IceCredentials, theirs: IceCredentials) -> None:
        """An ICE restart: both pairs are good until the new one is nominated (RFC 9725 section 4.3.3).

        A restart that never gets so far keeps the old pair; of several, the last and the nominated live.
        """
        spare = [f for f in self.fragments if f not in (self.fragments[0], self.ice.fragment)]
        self.retire(*spare, *([self.ice.fragment] if len(self.fragments) > 1 else []))
        self.ice, self.remote_ice = ours, theirs
        self.accept_credentials(ours)

    def retire(self, *fragments: str) -> None:
        """Checks for these credentials are answered no more: the newer pair is nominated."""
        for fragment in fragments:
            self.fragments.remove(fragment)
            del self._passwords[fragment]
            self.retired.append(fragment)

    def check(self, data: bytes, fragment: str, source: Address, now: float) -> bytes | None:
        """The reply to a connectivity check, or None when it gets none (RFC 8445 section 7.3)."""
        password = self._passwords[fragment]
        try:
            message = stun.parse(data)
        except stun.StunError:
            self.counts.bad_integrity += 1
            return None
        if message.kind != stun.BINDING_REQUEST or not stun.integrity_holds(message, password):
            self.counts.bad_integrity += 1
            return None
        if message.unknown:
            return stun.binding_error(
                message.transaction, 420, "Unknown Attribute", password, message.unknown
            )
        # Whom we call controls nothing; whoever calls us does, for we are lite.
        ours = stun.ICE_CONTROLLED if self.dial is None else stun.ICE_CONTROLLING
        if ours in message.attributes:
            return stun.binding_error(message.transaction, 487, "Role Conflict", password)
        self.consent_s = now
        nominate = stun.USE_CANDIDATE in message.attributes
        if nominate and fragment == self.ice.fragment and len(self.fragments) > 1:
            self.retire(*(old for old in self.fragments if old != fragment))
        self._checked(source, nominate, now)
        return stun.binding_success(message.transaction, (source[0], source[1]), password)

    def called(self, data: bytes, source: Address, now: float) -> None:
        """An answer to one of our own checks: the path is open, and stays so for a while."""
        if self.echo is not None and self.dial is None:
            if source == self.address and self.echo.answered(data, now):
                self._send_all(self.echo.cars(now))
            else:
                self.counts.bad_integrity += 1
            return
        if self.dial is None or not self.dial.answered(data):
            self.counts.bad_integrity += 1
            return
        self.consent_s = now
        self._checked(source, True, now)

    def inquiry(self) -> Dial | None:
        """Checks of ours to an address where the peer may be; None while its own are about to tell.

        Full agents answer (RFC 8445 section 7.3); that we are lite only means that we need not ask.
        """
        if not self.connected or self.dial is not None or len(self.fragments) > 1:
            return None
        return Dial(self.ice, self.remote_ice, controls=False)

    def found(self, source: Address, now: float) -> None:
        """The peer answered from there, and its media comes from there: that is the way that it uses."""
        self.consent_s = now
        self._checked(source, True, now)

    def _checked(self, source: Address, nominate: bool, now: float) -> None:
        if source not in self.addresses and len(self.addresses) >= ADDRESSES_MAX:
            stalest = min((a for a in self.addresses if a != self.address), key=self.addresses.__getitem__)
            del self.addresses[stalest]
            self.evicted.append(stalest)
        heard_s = self.addresses.get(self.address, 0.0) if self.address else 0.0
        self.addresses[source] = now
        if self.address is None:
            self.address = source
            # At once: the first record may be in the same batch, and would be sent again only after 1 s.
            self._dtls = Dtls(self.certificate, self.role, self.remote_fingerprints, self._to_peer, self.turn)
            self._task = asyncio.get_running_loop().create_task(self._run())
            check = None if self.echo is None else self.echo.check(now)
            self._send_all([] if check is None else [check])
        elif source != self.address and (nominate or now - heard_s > SILENCE_SECONDS):
            self.address = source
            if self.connected:
                self.peer.moved(source)
        self.nominated = self.nominated or nominate

    # -- datagrams ---------------------------------------------------------------------------------

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """A datagram that is not STUN, from an address with a valid check (RFC 7983 tells them apart).

        Only what the keys vouch for counts as heard: anybody can write any address on a datagram.
        """
        first = data[0]
        if 20 <= first <= 63:
            if self._dtls is not None:
                self._dtls.receive(data)
        elif 128 <= first <= 191:
            if self._inbound is None:
                self.counts.before_keys += 1
                return
            is_rtcp = rtp.is_rtcp(data)
            plain = self._inbound.rtcp(data) if is_rtcp else self._inbound.rtp(data)
            if plain is None:
                self.counts.undecryptable += 1
                return
            self.addresses[source] = now
            if is_rtcp:
                self.peer.rtcp_came(plain, now)
            else:
                self.peer.rtp_came(plain, now)

    def overheard(self, data: bytes, now: float) -> bool:
        """Media from an address that nothing vouches for. Whether the keys vouch for what came.

        A picture is as good from there as from anywhere. What the peer says of its path is not heard
        before it has answered from there.
        """
        if self._inbound is None or self.reason or self.dial is not None:
            return False
        is_rtcp = rtp.is_rtcp(data)
        plain = self._inbound.rtcp(data) if is_rtcp else self._inbound.rtp(data)
        if plain is not None and not is_rtcp:
            try:
                self.peer.rtp_came(plain, now)
            except Exception as broken:  # a fault of ours ends the session that met it
                self.broke(broken)
        return plain is not None

    def acquaintance(self, source: Address) -> ear.Acquaintance | None:
        """What the ear may do for this peer at one of its addresses; None before there are keys.

        It answers checks where they change nothing: at the address in use, while one pair is good.
        """
        if self._inbound is None or self.reason:
            return None
        settled = source == self.address and len(self.fragments) == 1
        fragment = self.fragments[0] if settled else ""
        password = self._passwords[fragment] if settled else b""
        return ear.Acquaintance(self._inbound, self.peer.extensions_read, fragment, password)

    def heard(self, what: int, said: Any, source: Address, now: float) -> None:
        """What the ear did already: only what keys or password vouch for counts as heard."""
        if self.reason:
            return
        if what == ear.REFUSED:
            self.counts.undecryptable += 1
            return
        self.addresses[source] = now
        if what == ear.RUN:
            self.peer.run_came(ear.Run(*said), now)
        elif what == ear.RTCP_COMPOUND:
            self.peer.rtcp_came(said, now)
        elif what == ear.RTP_PACKET:
            self.peer.rtp_came(said, now)
        else:
            self.consent_s = now
            self.nominated = self.nominated or bool(said & ear.NOMINATED)

    def heard_lately(self, source: Address, now: float) -> bool:
        """Whether the peer itself, by its password or its keys, spoke from there just now."""
        return now - self.addresses.get(source, -SILENCE_SECONDS) <= SILENCE_SECONDS

    # -- life --------------------------------------------------------------------------------------

    def expired(self, now: float) -> str | None:
        """Why the session should end now, or None."""
        if now - self.consent_s > CONSENT_SECONDS:
            return "consent expired"
        if not self.connected and now - self.born_s > HANDSHAKE_SECONDS:
            return "no handshake"
        return None

    def end(self, reason: str) -> None:
        """Free everything; the peer is told. May be called again."""
        if self.reason:
            return
        self.reason = reason
        self.connected = False
        self.forget(self)
        if self._task is not None:
            self._task.cancel()
        if self._dtls is not None:
            self._closing = asyncio.ensure_future(self._dtls.stop())
        self.peer.gone(reason)

    async def _run(self) -> None:
        try:
            await self._live()
        except FanoutFull:
            self.end("no seat at the sender")
        except Exception as broken:
            self.broke(broken)

    def broke(self, broken: Exception) -> None:
        """A fault of ours met this peer: its session ends, and the log says where the fault is."""
        self.end(f"broken: {type(broken).__name__}")
        _log.error("session_broke", session=self.name[:8], exc_info=broken)

    async def _live(self) -> None:
        if self._dtls is None:
            return
        try:
            keys = await self._dtls.handshake()
        except HandshakeFailed as failed:
            self.end(str(failed))
            return
        await self._sound_out()
        if self.reason:  # it ended meanwhile, and the cancellation was taken for none (process.py)
            return
        self._inbound = Inbound(keys)
        self.connected = True
        self.arrived(self)
        if self.address is not None:
            self.peer.ready(keys, self.address)
        await self._dtls.closed()
        self.end(PEER_SAID_GOODBYE)

    def _send_all(self, checks: list[bytes]) -> None:
        for check in checks:
            self._to_peer(check)

    async def _sound_out(self) -> None:
        """Wait for what the echo still has to tell of a path that is not wide, at most a moment."""
        if self.echo is None:
            return
        until_s = self.echo.now() + LOOK_SECONDS_MAX
        while not self.reason:
            wait_s = min(self.echo.patience_s(), until_s - self.echo.now())
            if wait_s <= 0:
                self.echo.tell()
                return
            await asyncio.sleep(min(LOOK_SECONDS, wait_s))

    def _to_peer(self, data: bytes) -> None:
        if self.address is not None:
            self.send(data, self.address)
