"""What somebody without keys, or with keys of his own alone, can do to others: nothing."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator

import pytest
from pylibsrtp import Policy
from pylibsrtp import Session as Srtp
from structlog.testing import capture_logs

from streaming.fanout import Address
from streaming.rtc import stun
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.session import SILENCE_SECONDS
from streaming.rtc.srtp import Inbound
from streaming.rtc.strays import FAILURES_MAX, HOSTS_MAX
from tests.fuzz.door import ATTACKER, HOME, ID, OURS, VICTIMS, Door, SilentPeer, signed

KEYS = SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), b"k" * 16, b"s" * 12)


class FaultyPeer(SilentPeer):
    """A peer behind which a fault of ours waits."""

    def rtp_came(self, data: bytes, now: float) -> None:
        raise LookupError("a fault")


class Pen:
    """Encrypts as the peer with KEYS does."""

    def __init__(self) -> None:
        key, profile = KEYS.theirs + KEYS.their_salt, Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._srtp = Srtp(Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self._number = 0

    def packet(self) -> bytes:
        self._number += 1
        return self._srtp.protect(struct.pack("!BBHII", 0x80, 102, self._number, 0, 7) + b"payload")


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    opened = Door()
    yield opened
    opened.close()
    await asyncio.sleep(0)


def check(password: str = OURS.password, fragment: str = "ours") -> bytes:
    return stun.binding_request(ID, f"{fragment}:theirs", password.encode(), controlling=1)


def say(door: Door, data: bytes, source: Address) -> list[tuple[bytes, Address]]:
    door.sent.clear()
    door.port._datagram(data, source, door.now)
    return list(door.sent)


async def test_a_good_check_with_a_forged_address_does_not_take_it_from_whoever_is_there(door: Door) -> None:
    assert say(door, check(), HOME) == []
    assert door.port.counts.disputed == 1
    assert door.port._by_address[HOME] is door.victim
    assert HOME not in door.attacker.addresses


async def test_an_address_that_fell_silent_may_be_taken_by_the_next(door: Door) -> None:
    door.now += SILENCE_SECONDS + 0.1
    assert len(say(door, check(), HOME)) == 1
    assert door.port._by_address[HOME] is door.attacker


async def test_forged_datagrams_do_not_keep_an_address_alive(door: Door) -> None:
    door.victim._inbound = Inbound(KEYS)
    door.now += SILENCE_SECONDS - 0.1
    for forged in (b"\x16\xfe\xfd" + bytes(30), b"\x80\x60" + bytes(40), b"\x80\xc9" + bytes(40)):
        say(door, forged, HOME)
    assert door.victim.counts.undecryptable == 2
    door.now += 0.2
    assert not door.victim.heard_lately(HOME, door.now)
    say(door, Pen().packet(), HOME)
    assert door.victim.heard_lately(HOME, door.now)


async def test_no_reply_is_larger_than_what_it_answers(door: Door) -> None:
    short = signed(stun._ATTRIBUTE.pack(stun.PRIORITY, 4) + bytes(4), ending=False)
    ((answer, _),) = say(door, short, ATTACKER)
    assert len(answer) <= len(short)
    assert say(door, short, ("2001:db8::7", 9)) == []  # an IPv6 address would not fit into it
    unknown = stun._ATTRIBUTE.pack(0x31, 0)
    assert say(door, signed(unknown, ending=False), ATTACKER) == []  # nor would the names of the unknown
    assert door.port.counts.oversized == 2


async def test_a_full_list_of_guessers_goes_on_counting_those_on_it(door: Door) -> None:
    for number in range(HOSTS_MAX):
        say(door, check("wrong" * 6), (f"10.1.{number >> 8}.{number & 255}", 9))
    for _ in range(FAILURES_MAX + 5):
        say(door, check("wrong" * 6), ("10.1.0.7", 9))
    assert door.port.counts.limited == 6
    assert len(door.port.guessers) == HOSTS_MAX


async def test_guessers_of_one_ipv6_network_are_counted_as_one(door: Door) -> None:
    for number in range(FAILURES_MAX + 5):
        say(door, check("wrong" * 6), (f"2001:db8::{number:x}", 9))
    assert door.port.counts.limited == 5
    assert len(say(door, check() + b"", ("2001:db8:0:1::1", 9))) == 1


async def test_guesses_at_one_session_leave_the_others_checks_alone(door: Door) -> None:
    for _ in range(FAILURES_MAX + 5):
        say(door, check("wrong" * 6, "victim"), ATTACKER)
    assert len(say(door, check(VICTIMS.password, "victim"), HOME)) == 1


async def test_a_fault_that_a_peer_meets_ends_its_session_and_no_other(door: Door) -> None:
    peer, pen = FaultyPeer(), Pen()
    door.attacker.peer, door.attacker._inbound = peer, Inbound(KEYS)
    say(door, check(), ATTACKER)
    receiver = door.port.socket.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.bind(("127.0.0.1", 0))
        door.port._by_address[mouth.getsockname()] = door.attacker
        mouth.sendto(pen.packet(), receiver)
        mouth.sendto(b"\x80\x60" + bytes(40), receiver)
        with capture_logs() as logs:
            door.port._readable()
    assert [entry["event"] for entry in logs] == ["session_broke"]
    assert peer.end == "broken: LookupError"
    assert door.port.counts.broken == 1
    assert door.port.counts.datagrams == 2
    assert door.victim.reason == ""
    assert door.port._by_address[HOME] is door.victim
