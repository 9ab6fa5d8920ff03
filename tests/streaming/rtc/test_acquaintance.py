"""What the ear may do for a session by itself, and what the session makes of what it did."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from streaming.fanout import Address
from streaming.rtc import ear
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.ear import Acquaintance
from streaming.rtc.port import Port, open_socket
from streaming.rtc.sdp import Fingerprint, IceCredentials
from streaming.rtc.session import CONSENT_SECONDS, Session
from streaming.rtc.srtp import Inbound
from tests.fuzz.door import certificate

from .test_session import AWAY, HOME, OURS, Door, NotedPeer, check

KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), b"k" * 16, b"s" * 12)
NEW = IceCredentials("newer", "n" * 24)


class NotedEar:
    """Hears nothing; who is known, and for whom checks are answered."""

    def __init__(self) -> None:
        self.known: dict[Address, Acquaintance] = {}

    def know(self, address: Address, peer: Session, terms: Acquaintance) -> None:
        self.known[address] = terms

    def forget(self, address: Address) -> None:
        self.known.pop(address, None)

    def receive(self) -> tuple[list[ear.Unknown | ear.Heard[Session]], int]:
        return [], 0

    @property
    def answers(self) -> dict[Address, str]:
        return {address: terms.fragment for address, terms in self.known.items()}


@pytest.fixture
async def seen() -> AsyncIterator[tuple[Door, NotedEar]]:
    sock, noted = open_socket("127.0.0.1", 0), NotedEar()
    now, sent, peer = [100.0], list[tuple[bytes, Address]](), NotedPeer()
    port = Port(sock, lambda: now[0], noted)
    port.send = lambda data, address: sent.append((data, address))  # type: ignore[method-assign]  # no network here

    async def at_once() -> None:
        """No turnstile here."""

    session = Session(
        ice=OURS,
        remote_ice=IceCredentials("theirs", "t" * 24),
        peer=peer,
        certificate=certificate(),
        role="server",
        remote_fingerprints=(Fingerprint("sha-256", ":".join(["AB"] * 32)),),
        send=port.send,
        turn=at_once,
        arrived=port.acquaint,
        forget=port.remove,
        born_s=now[0],
    )
    port.add(session)
    door = Door(port, session, peer, sent, now)
    door.arrive(check())
    assert noted.known == {}  # before there are keys
    session._inbound = Inbound(KEYS)
    port.acquaint(session)
    yield door, noted
    session.end("test over")
    assert noted.known == {}
    await asyncio.sleep(0)
    port.close()
    sock.close()


async def test_checks_are_answered_at_the_address_in_use_alone(seen: tuple[Door, NotedEar]) -> None:
    door, noted = seen
    assert noted.answers == {HOME: "ours"}
    door.arrive(check(), AWAY)
    assert noted.answers == {HOME: "ours", AWAY: ""}
    door.arrive(check(nominate=True), AWAY)
    assert noted.answers == {HOME: "", AWAY: "ours"}


async def test_while_a_restart_is_under_way_every_check_is_judged(seen: tuple[Door, NotedEar]) -> None:
    door, noted = seen
    door.session.restart(NEW, IceCredentials("more", "m" * 24))
    door.port.add(door.session)
    assert noted.answers == {HOME: ""}
    door.arrive(check(NEW.password, NEW.fragment, nominate=True))
    assert noted.answers == {HOME: NEW.fragment}
    assert noted.known[HOME].password == NEW.password.encode()


async def test_an_answered_check_renews_consent(seen: tuple[Door, NotedEar]) -> None:
    door, _ = seen
    later = door.now[0] + CONSENT_SECONDS - 1
    door.port._heard((door.session, ear.CHECK, ear.NOMINATED | ear.UNSENT, HOME), later)
    assert door.session.nominated
    assert door.session.heard_lately(HOME, later)
    assert door.session.expired(later + CONSENT_SECONDS - 1) != "consent expired"
    assert door.port.counts.unsent == 1


async def test_what_keys_do_not_vouch_for_is_counted_and_not_heard(seen: tuple[Door, NotedEar]) -> None:
    door, _ = seen
    door.port._heard((door.session, ear.REFUSED, None, HOME), door.now[0] + 50)
    assert door.session.counts.undecryptable == 1
    assert not door.session.heard_lately(HOME, door.now[0] + 50)
    assert door.peer.heard == []


async def test_a_run_reaches_the_peer_until_the_session_ends(seen: tuple[Door, NotedEar]) -> None:
    door, _ = seen
    run = ear.Run(7, 96, 1, 0, True, [b"a", b"b"])
    door.port._heard((door.session, ear.RUN, tuple(run), HOME), door.now[0])
    assert door.peer.runs == [run]
    door.session.end("enough")
    door.port._heard((door.session, ear.RUN, tuple(run), HOME), door.now[0])
    assert door.peer.runs == [run]
