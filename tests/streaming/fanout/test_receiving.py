"""Reading the socket, by both ways: what is handed on, what is decrypted, gathered and answered."""

from __future__ import annotations

import hmac
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pylibsrtp import Error, Policy, Session

from streaming.fanout import Address, Profile
from streaming.rtc import ear as ears
from streaming.rtc import rtcp, rtp, stun
from streaming.rtc.dtls import SrtpKeys
from streaming.rtc.ear import DATAGRAM_ROOM_BYTES, RECEIVED_AT_ONCE, Acquaintance, open_ear
from streaming.rtc.srtp import Inbound

from .conftest import TWINS


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """An ear that does not block, and a mouth."""
    host = "127.0.0.1" if request.param == socket.AF_INET else "::1"
    kind = request.param, socket.SOCK_DGRAM
    with socket.socket(*kind) as ear, socket.socket(*kind) as mouth:
        try:
            ear.bind((host, 0))
            mouth.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        ear.setblocking(False)
        yield ear, mouth


def test_what_came_is_given_in_order_with_its_source(
    twin: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    ear, mouth = pair
    receive = open_ear(ear, native=twin == "native").receive
    assert receive() == ([], 0)
    said = [bytes([n]) * (n * 40) for n in range(RECEIVED_AT_ONCE + 5)]
    for datagram in said:
        mouth.sendto(datagram, ear.getsockname())
    (first, many), (rest, few) = receive(), receive()
    assert (many, few) == (RECEIVED_AT_ONCE, 5)
    assert first + rest == [(datagram, mouth.getsockname()) for datagram in said]
    assert receive() == ([], 0)


def test_each_datagram_keeps_its_own_source(twin: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ear, mouth = pair
    with socket.socket(mouth.family, socket.SOCK_DGRAM) as other:
        other.bind((mouth.getsockname()[0], 0))
        for number in range(9):
            (mouth if number % 3 else other).sendto(bytes([number]), ear.getsockname())
        came, _ = open_ear(ear, native=twin == "native").receive()
    names = [mouth.getsockname() if n % 3 else other_name for n, other_name in enumerate([came[0][1]] * 9)]
    assert came == [(bytes([n]), names[n]) for n in range(9)]
    assert came[0][1] != came[1][1]


def test_what_is_too_long_is_cut_off(twin: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ear, mouth = pair
    mouth.sendto(bytes(DATAGRAM_ROOM_BYTES + 100), ear.getsockname())
    ((octets, _),), _ = open_ear(ear, native=twin == "native").receive()
    assert len(octets) == DATAGRAM_ROOM_BYTES


# -- of peers that are known -----------------------------------------------------------------------

PROFILES: tuple[tuple[Profile, int, int], ...] = (
    ("SRTP_AEAD_AES_128_GCM", 12, Policy.SRTP_PROFILE_AEAD_AES_128_GCM),
    ("SRTP_AES128_CM_SHA1_80", 14, Policy.SRTP_PROFILE_AES128_CM_SHA1_80),
)
PASSWORD = b"p" * 24
CAPTURE = 5  # the extension that the peer behind the ear wants to see
SSRC, VIDEO, TICK = 7, 96, 90_000


class Line:
    """A peer that is known to an ear, by keys and password."""

    def __init__(self, twin: str, profile: int = 0, host: str = "127.0.0.1") -> None:
        name, salt, number = PROFILES[profile]
        key = bytes(range(16 + salt))
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.mouth = socket.socket(self.socket.family, socket.SOCK_DGRAM)
        for one in (self.socket, self.mouth):
            one.bind((host, 0))
        self.socket.setblocking(False)
        self.mouth.settimeout(20)
        self.ear = open_ear(self.socket, native=twin == "native")
        self.keys = SrtpKeys(name, bytes(16), bytes(salt), key[:16], key[16:])
        self._out = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=number))
        self.know()

    @property
    def place(self) -> Address:
        place: Address = self.mouth.getsockname()
        return place

    def know(self, fragment: str = "ours") -> None:
        self.ear.know(self.place, "peer", Acquaintance(Inbound(self.keys), (CAPTURE,), fragment, PASSWORD))

    def say(self, *datagrams: bytes) -> list[tuple[object, ...]]:
        """What is handed on of them, without the address, which is right."""
        for datagram in datagrams:
            self.mouth.sendto(datagram, self.socket.getsockname())
        came, count = self.ear.receive()
        assert count == len(datagrams)
        assert all(one[-1] == self.place for one in came)
        return [one[:-1] for one in came]

    def media(self, *packets: bytes) -> list[tuple[object, ...]]:
        return self.say(
            *[self._out.protect(p) if not rtp.is_rtcp(p) else self._out.protect_rtcp(p) for p in packets]
        )

    def close(self) -> None:
        self.socket.close()
        self.mouth.close()


@pytest.fixture
def lines(twin: str) -> Iterator[Callable[..., Line]]:
    made: list[Line] = []

    def make(profile: int = 0, host: str = "127.0.0.1") -> Line:
        try:
            made.append(Line(twin, profile, host))
        except OSError:
            pytest.skip("this machine has no such address")
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def line(lines: Callable[..., Line]) -> Line:
    return lines()


def packet(sequence: int, body: bytes = b"body", **more: Any) -> bytes:
    given = {"payload_type": VIDEO, "timestamp": TICK, "ssrc": SSRC} | more
    return rtp.build(sequence=sequence, payload=body, **given)


def run(sequence: int, *bodies: bytes, marker: bool = False, timestamp: int = TICK) -> tuple[object, ...]:
    return "peer", ears.RUN, (SSRC, VIDEO, sequence, timestamp, marker, list(bodies))


@pytest.mark.parametrize("profile", [0, 1], ids=["GCM", "CM"])
def test_packets_of_one_frame_come_as_one_run(lines: Callable[..., Line], profile: int) -> None:
    line = lines(profile)
    said = [packet(n & 0xFFFF, b"%d" % n, marker=n == 65537) for n in range(65533, 65540)]
    assert line.media(*said) == [
        run(65533, *[b"%d" % n for n in range(65533, 65538)], marker=True),
        run(2, b"65538", b"65539"),
    ]
    assert line.media(packet(4, timestamp=1), packet(5, timestamp=2)) == [
        run(4, b"body", timestamp=1),
        run(5, b"body", timestamp=2),
    ]


def test_a_gap_and_another_stream_end_a_run(line: Line) -> None:
    assert line.media(packet(1), packet(3), packet(4, ssrc=8), packet(5, ssrc=8, payload_type=97)) == [
        run(1, b"body"),
        run(3, b"body"),
        ("peer", ears.RUN, (8, VIDEO, 4, TICK, False, [b"body"])),
        ("peer", ears.RUN, (8, 97, 5, TICK, False, [b"body"])),
    ]


def test_a_packet_with_something_special_is_handed_on_whole_and_in_order(line: Line) -> None:
    stamped = packet(2, extensions={CAPTURE: bytes(8)})
    empty, padded = packet(5, b""), bytes([0xA0]) + packet(6, b"x" + bytes(2) + b"\3")[1:]
    report = rtcp.receiver_report(1, [])
    assert line.media(
        packet(1), stamped, packet(3, extensions={4: b"abc"}), packet(4), empty, padded, report
    ) == [
        run(1, b"body"),
        ("peer", ears.RTP_PACKET, stamped),
        run(3, b"body", b"body"),
        ("peer", ears.RTP_PACKET, empty),
        run(6, b"x"),
        ("peer", ears.RTCP_COMPOUND, report),
    ]


def test_what_keys_do_not_vouch_for_is_refused(line: Line) -> None:
    once = line._out.protect(packet(1))
    assert line.say(once, once, packet(2), rtcp.receiver_report(1, []), b"\x80", once + bytes(1400)) == [
        ("peer", ears.REFUSED, None)
    ] * 5 + [run(1, b"body")]


def test_whoever_is_forgotten_is_a_stranger_again(line: Line) -> None:
    line.ear.forget(line.place)
    line.ear.forget(line.place)
    line.ear.forget(("::7", 1) if line.socket.family == socket.AF_INET else ("127.0.0.7", 1))
    once = line._out.protect(packet(1))
    assert line.say(once, b"") == [(once,), (b"",)]
    line.know()
    assert line.say(once, b"\x17DTLS", b"\xffelse", b"") == [
        (b"\x17DTLS",),
        (b"\xffelse",),
        (b"",),
        run(1, b"body"),
    ]


def test_many_are_told_apart_while_they_come_and_go(line: Line) -> None:
    mouths = [socket.socket(line.socket.family, socket.SOCK_DGRAM) for _ in range(150)]
    for mouth in mouths:
        mouth.bind(("127.0.0.1", 0))
    known = {}
    for number, mouth in enumerate(mouths):
        keys = Inbound(line.keys)
        line.ear.know(mouth.getsockname(), number, Acquaintance(keys))
        known[number] = mouth
        if number % 3 == 2:  # who came some time ago leaves
            line.ear.forget(known.pop(number // 3 * 2).getsockname())
    for number, mouth in enumerate(mouths):
        mouth.sendto(b"\x80", line.socket.getsockname())
        ((who, *_),), _ = line.ear.receive()
        assert who == (number if number in known else b"\x80")
        mouth.close()


# -- checks ----------------------------------------------------------------------------------------

ID = bytes(range(12))


def check(password: bytes = PASSWORD, username: str = "ours:theirs", **more: Any) -> bytes:
    return stun.binding_request(ID, username, password, **({"controlling": 1} | more))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("nominate", [False, True])
def test_a_plain_check_is_answered_at_once(lines: Callable[..., Line], host: str, nominate: bool) -> None:
    line = lines(0, host)
    asked = check(nominate=nominate)
    assert line.say(asked) == [("peer", ears.CHECK, ears.NOMINATED if nominate else 0)]
    answer = line.mouth.recv(2048)
    assert answer == stun.binding_success(ID, line.place[:2], PASSWORD)
    assert len(answer) <= len(asked)


@pytest.mark.parametrize(
    "asked",
    [
        check(b"q" * 24),
        check(username="else:theirs"),
        check(username="ours"),
        check()[:-4] + b"\0\0\0\0",  # its fingerprint is wrong
        check()[:-8],  # longer by its header than it is
        check(controlling=None)[:20],
        stun.binding_success(ID, ("127.0.0.1", 1), PASSWORD),
        b"\0\1" + bytes(18),
        b"\0",
    ],
    ids=["password", "fragment", "no-colon", "fingerprint", "cut", "bare", "answer", "cookie", "short"],
)
def test_of_any_other_check_nothing_is_said(line: Line, asked: bytes) -> None:
    assert line.say(asked) == [(asked,)]
    line.mouth.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.mouth.recv(2048)


def test_no_check_is_answered_where_nobody_says_so(line: Line) -> None:
    line.know(fragment="")
    assert line.say(check()) == [(check(),)]


# -- both twins ------------------------------------------------------------------------------------


def mutated(whole: bytes) -> st.SearchStrategy[bytes]:
    """The same with a few bytes changed, some cut off or added."""

    def apply(changes: list[tuple[int, int]], cut: int, more: bytes) -> bytes:
        octets = bytearray(whole[: len(whole) - cut] + more)
        for at, value in changes:
            if octets:
                octets[at % len(octets)] = value
        return bytes(octets)

    return st.builds(
        apply,
        st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3),
        st.integers(0, 12),
        st.binary(max_size=8),
    )


def signed(body: bytes) -> bytes:
    """A check of these attributes, signed as it should be."""
    head = struct.pack("!HHI12s", 1, len(body) + 24, stun.COOKIE, ID)
    digest = hmac.digest(PASSWORD, head + body, "sha1")
    return head + body + struct.pack("!HH", stun.MESSAGE_INTEGRITY, 20) + digest


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


ATTRIBUTES = st.sampled_from(
    [
        attribute(stun.USERNAME, b"ours:theirs"),
        attribute(stun.USERNAME, b"ours"),
        attribute(stun.PRIORITY, bytes(4)),
        attribute(stun.USE_CANDIDATE, b""),
        attribute(stun.ICE_CONTROLLING, bytes(8)),
        attribute(stun.ICE_CONTROLLED, bytes(8)),
        attribute(0x0019, b"must be understood"),
        attribute(0x8022, b"software"),
        b"\x80\x22\0\xff",
    ]
)
EXTENSIONS = st.binary(max_size=24).map(lambda b: b + bytes(-len(b) % 4))


def extended(first: int, profile: int, block: bytes, body: bytes) -> bytes:
    fixed = struct.pack("!BBHII", 0x80 | first, VIDEO, 9, TICK, SSRC)
    return fixed + struct.pack("!HH", profile, len(block) // 4) + block + body


@pytest.mark.skipif(TWINS == ["python"], reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        mutated(check()),
        st.lists(ATTRIBUTES, max_size=5).map(lambda some: signed(b"".join(some))),
        st.binary(max_size=60),
    )
)
@example(signed(b""))
def test_both_judge_a_check_alike(asked: bytes) -> None:
    lines = [Line(twin) for twin in ("python", "native")]
    try:
        told, told_fast = (line.say(asked) for line in lines)
        assert told == told_fast
        if told[0][0] == "peer" and told[0][1] == ears.CHECK:
            assert len({len(line.mouth.recv(2048)) for line in lines}) == 1
    finally:
        for line in lines:
            line.close()


@pytest.mark.skipif(TWINS == ["python"], reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.builds(
                extended,
                st.sampled_from([0x10, 0x30, 0x11]),
                st.sampled_from([0xBEDE, 0x1000, 0x100F, 0x4711]),
                EXTENSIONS,
                st.binary(max_size=20),
            ),
            st.builds(packet, st.integers(0, 8), st.binary(max_size=20), marker=st.booleans()),
        ),
        max_size=6,
    )
)
def test_both_read_packets_alike(packets: list[bytes]) -> None:
    lines = [Line(twin) for twin in ("python", "native")]
    try:
        told, told_fast = (line.media(*sealed(packets)) for line in lines)
        assert told == told_fast
    finally:
        for line in lines:
            line.close()


def sealed(packets: list[bytes]) -> list[bytes]:
    """Those that libsrtp encrypts at all, each under an index of its own."""
    session = Session(Policy(key=bytes(28), ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=PROFILES[0][2]))
    fit = []
    for plain in packets:
        try:
            session.protect(plain)
        except Error:
            continue
        fit.append(plain)
    return fit
