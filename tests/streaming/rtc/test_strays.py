"""A peer whose packets come from an address that nobody knows, and whoever else sends them from there."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from pylibsrtp import Policy
from pylibsrtp import Session as Srtp

from streaming.fanout import Address
from streaming.rtc import ear, rtcp, stun
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.sdp import IceCredentials
from streaming.rtc.session import Session
from streaming.rtc.srtp import Inbound
from streaming.rtc.strays import ASKED_MAX, FAILURES_MAX, STRAY_SECONDS, TRIED_AT_ONCE
from tests.fuzz.door import HOME, OURS, THEIRS, VICTIMS, Door, SilentPeer

SSRC = 1  # every Chromium that only plays reports under it
NEW: Address = ("192.0.2.1", 5001)  # another port of the same router
FAR: Address = ("198.51.100.7", 4242)


def keys(letter: bytes) -> SrtpKeys:
    return SrtpKeys("SRTP_AEAD_AES_128_GCM", bytes(16), bytes(12), letter * 16, b"s" * 12)


class Pen:
    """Encrypts as the peer with these keys does."""

    def __init__(self, letter: bytes) -> None:
        key, profile = letter * 16 + b"s" * 12, Policy.SRTP_PROFILE_AEAD_AES_128_GCM
        self._srtp = Srtp(Policy(key, Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self._number = 0

    def report(self, ssrc: int = SSRC) -> bytes:
        """As long as such compounds are."""
        said = rtcp.receiver_report(ssrc, []) + rtcp.source_description(ssrc, "c" * 60)
        return bytes(self._srtp.protect_rtcp(said))

    def request(self) -> bytes:
        """Shorter than any check."""
        return bytes(self._srtp.protect_rtcp(rtcp.picture_loss(SSRC, 7)))

    def picture(self, ssrc: int = SSRC) -> bytes:
        self._number += 1
        return bytes(self._srtp.protect(struct.pack("!BBHII", 0x80, 102, self._number, 0, ssrc) + bytes(900)))


class Noted(SilentPeer):
    def __init__(self) -> None:
        super().__init__()
        self.moves: list[Address] = []
        self.packets = self.compounds = 0

    def moved(self, address: Address) -> None:
        self.moves.append(address)

    def rtp_came(self, data: bytes, now: float) -> None:
        self.packets += 1

    def rtcp_came(self, data: bytes, now: float) -> None:
        self.compounds += 1


class Square(Door):
    """Two peers with keys, each heard at home under one SSRC."""

    def __init__(self) -> None:
        super().__init__()
        self.pens = {self.victim: Pen(b"v"), self.attacker: Pen(b"a")}
        self.noted = self.live(self.victim, b"v", HOME)
        self.live(self.attacker, b"a", ("192.0.2.2", 6000))

    def live(self, session: Session, letter: bytes, home: Address) -> Noted:
        session.peer = noted = Noted()
        session._inbound, session.connected = Inbound(keys(letter)), True
        session.address, session.addresses[home] = home, self.now
        self.port._by_address[home] = session
        compound = rtcp.receiver_report(SSRC, [])
        self.port._heard((session, ear.RTCP_COMPOUND, compound, home), self.now)
        noted.compounds = 0
        return noted

    def say(self, data: bytes, source: Address) -> list[tuple[bytes, Address]]:
        self.sent.clear()
        self.port._datagram(data, source, self.now)
        return list(self.sent)


@pytest.fixture
async def square() -> AsyncIterator[Square]:
    opened = Square()
    yield opened
    opened.close()
    await asyncio.sleep(0)


def answer(check: bytes, password: str = THEIRS.password) -> bytes:
    """As a full agent does (RFC 8445 section 7.3)."""
    message = stun.parse(check)
    assert stun.integrity_holds(message, THEIRS.password.encode())
    return stun.binding_success(message.transaction, ("203.0.113.1", 8443), password.encode())


async def test_a_peer_that_speaks_from_elsewhere_is_asked_and_followed_once_it_answers(
    square: Square,
) -> None:
    ((check, where),) = square.say(square.pens[square.victim].report(), NEW)
    assert where == NEW
    message = stun.parse(check)
    assert stun.USE_CANDIDATE not in message.attributes
    assert stun.ICE_CONTROLLED in message.attributes  # we are lite
    assert message.attributes[stun.USERNAME] == f"theirs:{VICTIMS.fragment}".encode()
    assert square.noted.moves == []
    assert square.say(answer(check), NEW) == []
    assert square.noted.moves == [NEW]
    assert square.victim.address == NEW
    assert square.port._by_address[NEW] is square.victim
    assert (square.port.counts.asked, square.port.counts.found) == (1, 1)


async def test_a_peer_is_recognised_on_another_host_too(square: Square) -> None:
    ((check, _),) = square.say(square.pens[square.victim].report(), FAR)
    square.say(answer(check), FAR)
    assert square.noted.moves == [FAR]


async def test_packets_that_somebody_caught_and_sends_from_elsewhere_move_nothing(square: Square) -> None:
    """A stream is never led to an address by packets alone, nor do we send there more than came."""
    came = left = 0
    for number in range(40):
        caught = square.pens[square.victim].report()
        for again in range(3):  # each is taken once
            replies = square.say(caught, FAR)
            assert again == 0 or not replies
            came += len(caught)
            left += sum(len(reply) for reply, where in replies if where == FAR)
            assert left <= came
        square.now += 0.1 + number % 3
    assert square.noted.moves == []
    assert square.victim.address == HOME
    assert FAR not in square.victim.addresses
    assert square.port._by_address.get(FAR) is None


async def test_a_wrong_answer_moves_nothing(square: Square) -> None:
    ((check, _),) = square.say(square.pens[square.victim].report(), FAR)
    square.say(answer(check, "w" * 24), FAR)
    square.say(answer(check), ("198.51.100.7", 4243))  # from elsewhere
    strange = stun.binding_success(bytes(12), ("203.0.113.1", 8443), THEIRS.password.encode())
    square.say(strange, FAR)
    assert square.noted.moves == []
    square.say(answer(check), FAR)
    assert square.noted.moves == [FAR]
    square.noted.moves.clear()
    square.say(answer(check), FAR)  # each answer counts once
    assert square.noted.moves == []


async def test_what_came_before_is_saved_up_until_a_check_is_no_larger(square: Square) -> None:
    pen = square.pens[square.victim]
    first, second, third = (square.say(pen.request(), NEW) for _ in range(3))
    assert first == second == []
    ((check, _),) = third
    assert len(check) <= 3 * len(pen.request())


async def test_an_address_that_never_answers_is_asked_a_few_times_and_no_more(square: Square) -> None:
    asked = 0
    until = square.now + STRAY_SECONDS - 0.1
    while square.now < until:
        asked += len(square.say(square.pens[square.victim].report(), FAR))
        square.now += 0.02
    assert asked == ASKED_MAX


async def test_a_publishers_pictures_are_taken_from_anywhere_at_once(square: Square) -> None:
    pen = square.pens[square.victim]
    for _ in range(5):
        square.say(pen.picture(), FAR)
    assert square.noted.packets == 5
    assert square.noted.moves == []
    assert not square.victim.heard_lately(FAR, square.now)  # it does not hold the address


async def test_what_a_viewer_says_of_its_path_waits_until_it_is_found(square: Square) -> None:
    pen = square.pens[square.victim]
    ((check, _),) = square.say(pen.report(), NEW)
    assert square.noted.compounds == 0
    square.say(answer(check), NEW)
    square.say(pen.report(), NEW)
    assert square.noted.compounds == 1


async def test_strangers_who_name_an_ssrc_are_soon_not_even_tried(square: Square) -> None:
    forged = b"\x80\xc9\x00\x01" + SSRC.to_bytes(4, "big") + bytes(40)
    for _ in range(FAILURES_MAX + 10):
        assert square.say(forged, FAR) == []
    assert square.victim._inbound is not None
    assert square.victim._inbound.refused <= FAILURES_MAX
    assert square.say(square.pens[square.victim].report(), FAR) == []  # for a second
    square.port.sweep()
    assert len(square.say(square.pens[square.victim].report(), FAR)) == 1


async def test_among_many_of_one_ssrc_those_of_its_host_are_tried_first(square: Square) -> None:
    for number in range(3 * TRIED_AT_ONCE):
        ice = IceCredentials(f"more{number}", "m" * 24)
        square.live(square._session(ice), bytes((65 + number,)), (f"10.0.0.{number}", 1))
    square.live(square.victim, b"v", HOME)  # heard last of all
    ((_, where),) = square.say(square.pens[square.victim].report(), NEW)
    assert where == NEW


async def test_of_all_others_the_one_silent_for_longest_is_tried_first(square: Square) -> None:
    for number in range(3 * TRIED_AT_ONCE):
        ice = IceCredentials(f"more{number}", "m" * 24)
        square.live(square._session(ice), bytes((65 + number,)), (f"10.0.0.{number}", 1))
    ((_, where),) = square.say(square.pens[square.victim].report(), FAR)
    assert where == FAR


async def test_during_a_restart_the_peers_own_checks_tell(square: Square) -> None:
    square.victim.restart(IceCredentials("newer", "n" * 24), THEIRS)
    square.port.add(square.victim)
    assert square.say(square.pens[square.victim].report(), NEW) == []
    check = stun.binding_request(bytes(12), "newer:theirs", b"n" * 24, controlling=1, nominate=True)
    square.say(check, NEW)
    assert square.noted.moves == [NEW]


async def test_a_session_that_ended_is_recognised_nowhere(square: Square) -> None:
    report = square.pens[square.victim].report()
    square.victim.end("enough")
    assert square.say(report, NEW) == []
    square.attacker.end("enough")
    assert square.port.strays._by_voice == {}
    assert square.port.strays._voices == {}


async def test_whom_we_call_may_ask_us(square: Square) -> None:
    """Another relay asks as we do: it is lite, and so controlled by us who called."""
    square.attacker.dial = square.victim.inquiry()
    lite = stun.binding_request(bytes(12), "ours:theirs", OURS.password.encode(), controlled=7)
    ((reply, _),) = square.say(lite, ("192.0.2.2", 6000))
    assert stun.parse(reply).kind == stun.BINDING_SUCCESS
    both_call = stun.binding_request(bytes(12), "ours:theirs", OURS.password.encode(), controlling=7)
    ((reply, _),) = square.say(both_call, ("192.0.2.2", 6000))
    assert stun.parse(reply).kind == stun.BINDING_ERROR
