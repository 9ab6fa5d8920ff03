"""Reading the socket, by both ways."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from streaming.fanout.receiving import DATAGRAM_ROOM_BYTES, RECEIVED_AT_ONCE, open_receiver


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
    receive = open_receiver(ear, native=twin == "native")
    assert receive() == []
    said = [bytes([n]) * (n * 40) for n in range(RECEIVED_AT_ONCE + 5)]
    for datagram in said:
        mouth.sendto(datagram, ear.getsockname())
    first, rest = receive(), receive()
    assert (len(first), len(rest)) == (RECEIVED_AT_ONCE, 5)
    assert first + rest == [(datagram, mouth.getsockname()) for datagram in said]
    assert receive() == []


def test_each_datagram_keeps_its_own_source(twin: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ear, mouth = pair
    with socket.socket(mouth.family, socket.SOCK_DGRAM) as other:
        other.bind((mouth.getsockname()[0], 0))
        for number in range(9):
            (mouth if number % 3 else other).sendto(bytes([number]), ear.getsockname())
        came = open_receiver(ear, native=twin == "native")()
    names = [mouth.getsockname() if n % 3 else other_name for n, other_name in enumerate([came[0][1]] * 9)]
    assert came == [(bytes([n]), names[n]) for n in range(9)]
    assert came[0][1] != came[1][1]


def test_what_is_too_long_is_cut_off(twin: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ear, mouth = pair
    mouth.sendto(bytes(DATAGRAM_ROOM_BYTES + 100), ear.getsockname())
    ((octets, _),) = open_receiver(ear, native=twin == "native")()
    assert len(octets) == DATAGRAM_ROOM_BYTES
