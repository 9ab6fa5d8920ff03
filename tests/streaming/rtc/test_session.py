"""A session at the door: checks, addresses, strangers."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from streaming.fanout import Address
from streaming.rtc import stun
from streaming.rtc.dtls import Certificate, Dtls, HandshakeFailed, Role, SrtpKeys
from streaming.rtc.ear import Run
from streaming.rtc.port import Port, open_socket
from streaming.rtc.sdp import Fingerprint, IceCredentials
from streaming.rtc.session import ADDRESSES_MAX, CONSENT_SECONDS, SILENCE_SECONDS, Session
from streaming.rtc.strays import FAILURES_MAX
from streaming.rtc.turnstile import Turnstile

ID = bytes(range(12))
OURS = IceCredentials("ours", "o" * 24)
HOME, AWAY = ("192.0.2.1", 5000), ("192.0.2.2", 6000)


@dataclass
class NotedPeer:
    """A peer that notes what it is told."""

    moves: list[Address] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    extensions_read: tuple[int, ...] = ()

    def ready(self, keys: SrtpKeys, address: Address) -> None:
        self.moves.append(address)

    def moved(self, address: Address) -> None:
        self.moves.append(address)

    def gone(self, reason: str) -> None:
        self.ends.append(reason)

    def rtp_came(self, data: bytes, now: float) -> None:
        self.heard.append(data)

    def run_came(self, run: Run, now: float) -> None:
        self.runs.append(run)

    def rtcp_came(self, data: bytes, now: float) -> None:
        self.heard.append(data)


@dataclass
class Door:
    """A port, one session behind it, and what leaves."""

    port: Port
    session: Session
    peer: NotedPeer
    sent: list[tuple[bytes, Address]]
    now: list[float]

    def arrive(self, data: bytes, source: Address = HOME) -> list[tuple[bytes, Address]]:
        """A datagram comes in; what was sent in answer."""
        self.sent.clear()
        self.port._datagram(data, source, self.now[0])
        return list(self.sent)


def check(password: str = OURS.password, fragment: str = "ours", *, nominate: bool = False) -> bytes:
    return stun.binding_request(ID, f"{fragment}:theirs", password.encode(), controlling=1, nominate=nominate)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    sock = open_socket("127.0.0.1", 0)
    now, sent, peer = [100.0], [], NotedPeer()  # type: ignore[var-annotated]  # filled below
    port = Port(sock, lambda: now[0])
    port.send = lambda data, address: sent.append((data, address))  # type: ignore[method-assign]  # no network here
    session = Session(
        ice=OURS,
        remote_ice=IceCredentials("theirs", "t" * 24),
        peer=peer,
        certificate=Certificate.generateCertificate(),
        role="server",
        remote_fingerprints=(Fingerprint("sha-256", ":".join(["AB"] * 32)),),
        send=port.send,
        turn=Turnstile(time.monotonic).enter,
        arrived=lambda session: None,
        forget=port.remove,
        born_s=now[0],
    )
    port.add(session)
    yield Door(port, session, peer, sent, now)
    session.end("test over")
    await asyncio.sleep(0)
    port.close()
    sock.close()


async def test_a_good_check_is_answered_and_tells_the_address(door: Door) -> None:
    ((answer, where),) = door.arrive(check())
    assert where == HOME
    assert stun.mapped_address(stun.parse(answer)) == HOME
    assert door.session.address == HOME
    assert len(answer) <= len(check())


async def test_a_stranger_gets_no_answer_at_all(door: Door) -> None:
    assert door.arrive(check(fragment="else")) == []
    assert door.arrive(b"\x16\xfe\xfd" + bytes(40)) == []
    assert door.arrive(b"\x80\x60" + bytes(40)) == []
    assert door.port.counts.strangers == 3
    assert door.session.address is None


async def test_a_wrong_password_is_no_check(door: Door) -> None:
    assert door.arrive(check("wrong" * 6)) == []
    assert door.session.counts.bad_integrity == 1
    assert door.session.address is None


async def test_a_source_that_guesses_passwords_is_not_even_verified(door: Door) -> None:
    _ = [door.arrive(check("wrong" * 6)) for _ in range(FAILURES_MAX + 30)]
    assert door.session.counts.bad_integrity == FAILURES_MAX
    assert door.port.counts.limited == 30
    assert door.arrive(check()) == []  # until the next second
    door.port.guessers.clear()
    assert len(door.arrive(check())) == 1


async def test_the_handshake_may_begin_before_nomination(door: Door) -> None:
    door.arrive(check())
    assert door.session._task is not None
    assert not door.session.nominated


async def test_a_nominated_address_is_taken(door: Door) -> None:
    door.arrive(check(), HOME)
    door.session.connected = True
    door.arrive(check(nominate=True), AWAY)
    assert door.session.address == AWAY
    assert door.peer.moves == [AWAY]


async def test_a_spare_path_does_not_move_a_peer_that_is_heard(door: Door) -> None:
    door.arrive(check(), HOME)
    door.session.connected = True
    door.arrive(check(), AWAY)
    assert door.session.address == HOME


async def test_a_peer_whose_address_changed_is_followed(door: Door) -> None:
    door.arrive(check(), HOME)
    door.session.connected = True
    door.now[0] += SILENCE_SECONDS + 1
    door.arrive(check(), AWAY)
    assert door.peer.moves == [AWAY]


async def test_one_peer_is_remembered_at_a_few_addresses_only(door: Door) -> None:
    for n in range(3 * ADDRESSES_MAX):
        door.now[0] += 0.01
        door.arrive(check(), ("192.0.2.9", 1000 + n))
    assert len(door.session.addresses) == ADDRESSES_MAX
    assert len(door.port._by_address) == ADDRESSES_MAX


async def test_a_peer_that_claims_to_be_controlled_is_told_of_the_conflict(door: Door) -> None:
    request = stun._signed(
        stun.BINDING_REQUEST,
        ID,
        [(stun.USERNAME, b"ours:theirs"), (stun.ICE_CONTROLLED, bytes(8))],
        OURS.password.encode(),
    )
    ((answer, _),) = door.arrive(request)
    assert stun.parse(answer).attributes[stun.ERROR_CODE][2:4] == bytes([4, 87])


async def test_consent_lasts_as_long_as_checks_come(door: Door) -> None:
    door.arrive(check())
    door.session.connected = True
    assert door.session.expired(door.now[0] + CONSENT_SECONDS - 1) is None
    assert door.session.expired(door.now[0] + CONSENT_SECONDS + 1) == "consent expired"
    door.now[0] += 29
    door.arrive(check())
    assert door.session.expired(door.now[0] + CONSENT_SECONDS - 1) is None


async def test_a_restart_keeps_the_old_credentials_beside_the_new(door: Door) -> None:
    new = IceCredentials("news", "n" * 24)
    door.session.restart(new, IceCredentials("more", "m" * 24))
    door.port.add(door.session)
    assert len(door.arrive(check())) == 1
    assert len(door.arrive(check(new.password, "news"))) == 1
    assert len(door.arrive(check())) == 1


async def test_a_nominated_restart_retires_the_old_credentials(door: Door) -> None:
    new = IceCredentials("news", "n" * 24)
    door.session.restart(new, IceCredentials("more", "m" * 24))
    door.port.add(door.session)
    door.arrive(check(new.password, "news", nominate=True))
    assert door.arrive(check()) == []
    assert list(door.port._by_fragment) == ["news"]


async def test_restarts_that_fail_one_after_another_keep_the_first_and_leave_nothing(door: Door) -> None:
    for number in range(5):
        new = IceCredentials(f"new{number}", "n" * 24)
        door.session.restart(new, IceCredentials("more", "m" * 24))
        door.port.add(door.session)
    assert sorted(door.port._by_fragment) == ["new4", "ours"]
    assert len(door.arrive(check())) == 1


async def test_handshakes_leave_half_of_the_loop_to_others() -> None:
    now = [0.0]
    turnstile = Turnstile(lambda: now[0])
    done: list[float] = []

    async def step() -> None:
        await turnstile.enter()
        now[0] += 0.010  # ten milliseconds of work, by the clock that it is told
        done.append(asyncio.get_running_loop().time())

    await asyncio.gather(*(step() for _ in range(4)))
    assert turnstile.steps >= 3
    assert all(b - a >= 0.009 for a, b in itertools.pairwise(done))


async def test_an_ended_session_leaves_nothing_at_the_door(door: Door) -> None:
    door.arrive(check())
    door.session.end("enough")
    door.session.end("again")
    assert door.peer.ends == ["enough"]
    assert door.port._by_address == {}
    assert door.port._by_fragment == {}
    assert door.arrive(check()) == []


async def test_media_before_the_keys_is_dropped_and_counted(door: Door) -> None:
    door.arrive(check())
    door.arrive(b"\x80\x60" + bytes(40))
    assert door.session.counts.before_keys == 1
    assert door.peer.heard == []


@pytest.mark.parametrize("seed", range(20))
async def test_no_records_break_a_session(door: Door, seed: int) -> None:
    dice = random.Random(seed)
    door.arrive(check())
    for _ in range(30):
        body = dice.randbytes(dice.randrange(200))
        kind = bytes((dice.choice((20, 21, 22, 23, 40, 63)),))
        framed = kind + b"\xfe\xfd" + bytes(8) + len(body).to_bytes(2, "big") + body
        door.arrive(framed if dice.random() < 0.7 else kind + body)
        await asyncio.sleep(0)
    for _ in range(20):  # until all of them were worked on
        await asyncio.sleep(0.001)
    assert not [reason for reason in door.peer.ends if reason.startswith("broken")]
    assert door.peer.moves == []


# -- DTLS ------------------------------------------------------------------------------------------


async def test_both_sides_get_the_same_keys_crosswise() -> None:
    here, there = Certificate.generateCertificate(), Certificate.generateCertificate()
    pair: dict[str, Dtls] = {}
    turn = Turnstile(time.monotonic).enter

    def wire(other: str) -> Callable[[bytes], None]:
        def carry(data: bytes) -> None:
            pair[other].receive(data)

        return carry

    pair["server"] = server = Dtls(here, "server", there.fingerprints(), wire("client"), turn)
    pair["client"] = client = Dtls(there, "client", here.fingerprints(), wire("server"), turn)
    ours, theirs = await asyncio.gather(server.handshake(), client.handshake())
    assert ours.profile == theirs.profile == "SRTP_AEAD_AES_128_GCM"
    assert (ours.ours, ours.our_salt) == (theirs.theirs, theirs.their_salt)
    assert (ours.theirs, ours.their_salt) == (theirs.ours, theirs.our_salt)
    assert (len(ours.ours), len(ours.our_salt)) == (16, 12)
    await client.stop()
    async with asyncio.timeout(30):
        await server.closed()
    await server.stop()


def rsa_certificate() -> Certificate:
    """As GStreamer and some hardware encoders have it."""
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rsa")])
    now = datetime.datetime.now(datetime.UTC)
    draft = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    valid = draft.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return Certificate(key, valid.sign(key, hashes.SHA256()))  # type: ignore[arg-type]  # aiortc names one kind


@pytest.mark.parametrize(("ours", "theirs"), [("server", "client"), ("client", "server")])
async def test_a_peer_with_an_rsa_certificate_is_met_in_either_role(ours: Role, theirs: Role) -> None:
    here, there = Certificate.generateCertificate(), rsa_certificate()
    pair: list[Dtls] = []
    turn = Turnstile(time.monotonic).enter

    def to_there(data: bytes) -> None:
        pair[1].receive(data)

    def to_here(data: bytes) -> None:
        pair[0].receive(data)

    pair.append(Dtls(here, ours, there.fingerprints(), to_there, turn))
    pair.append(Dtls(there, theirs, here.fingerprints(), to_here, turn))
    keys = await asyncio.gather(*(dtls.handshake() for dtls in pair))
    assert keys[0].ours == keys[1].theirs
    for dtls in pair:
        await dtls.stop()


async def test_a_peer_with_another_certificate_than_it_named_is_refused() -> None:
    here, there = Certificate.generateCertificate(), Certificate.generateCertificate()
    pair: list[Dtls] = []
    turn = Turnstile(time.monotonic).enter

    def to_there(data: bytes) -> None:
        pair[1].receive(data)

    def to_here(data: bytes) -> None:
        pair[0].receive(data)

    pair.append(Dtls(here, "server", Certificate.generateCertificate().fingerprints(), to_there, turn))
    pair.append(Dtls(there, "client", here.fingerprints(), to_here, turn))
    client = asyncio.ensure_future(pair[1].handshake())
    with pytest.raises(HandshakeFailed):
        await pair[0].handshake()
    await client
    for dtls in pair:
        await dtls.stop()


def test_the_members_of_aiortc_that_we_stand_on_are_there() -> None:
    """A newer aiortc that changes one of them must be met here, not in a broadcast."""
    from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, SRTPProtectionProfile

    for member in (
        "_do_handshake",
        "_setup_srtp",
        "_set_role",
        "_set_state",
        "_recv_next",
        "_write_ssl",
        "start",
        "stop",
    ):
        assert callable(getattr(RTCDtlsTransport, member)), member
    assert callable(RTCCertificate._create_ssl_context)
    assert callable(SRTPProtectionProfile.get_key_and_salt)
    names = RTCDtlsTransport.__init__.__code__.co_names
    assert {"encrypted", "_srtp_profiles", "_ssl", "_role", "_task", "_transport"} <= set(names)


def test_the_members_of_pylibsrtp_that_we_stand_on_are_there() -> None:
    from pylibsrtp import Policy, Session
    from pylibsrtp._binding import ffi, lib

    policy = Policy(bytes(28), Policy.SSRC_ANY_INBOUND, srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM)
    assert ffi.typeof(Session(policy)._srtp[0]).kind == "pointer"
    assert ffi.typeof(lib.srtp_unprotect) == ffi.typeof(lib.srtp_unprotect_rtcp)


class DeafHandshake:
    """Ends well though its task was cancelled, as `wait_for` of Python 3.11 may make it."""

    async def handshake(self) -> SrtpKeys:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3_600)
        return SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), bytes(16), bytes(12))

    async def stop(self) -> None: ...


async def test_a_session_that_ended_in_its_handshake_takes_no_seat(door: Door) -> None:
    door.session._dtls = DeafHandshake()  # type: ignore[assignment]  # what a session needs of it
    door.session._task = task = asyncio.create_task(door.session._run())
    await asyncio.sleep(0)
    door.session.end("the peer left")
    await asyncio.wait([task], timeout=30)
    assert (task.done(), door.peer.ends, door.peer.moves) == (True, ["the peer left"], [])
