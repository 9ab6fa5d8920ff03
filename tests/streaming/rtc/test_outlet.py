"""Sessions that we open ourselves: each leaves from a port of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from streaming.rtc.outlet import Outlet


async def came(udp: socket.socket) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(20):
        return await asyncio.get_running_loop().sock_recvfrom(udp, 4096)


@pytest.fixture
def ports() -> Iterator[list[socket.socket]]:
    """The relay's port, and another relay's."""
    sockets = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]
    for udp in sockets:
        udp.setblocking(False)
        udp.bind(("127.0.0.1", 0))
    yield sockets
    for udp in sockets:
        udp.close()


async def test_two_calls_to_one_port_are_told_apart_there(ports: list[socket.socket]) -> None:
    ours, theirs = ports
    outlets = [Outlet(ours.getsockname(), theirs.getsockname()) for _ in range(2)]
    seen = []
    for outlet in outlets:
        ours.sendto(b"out", outlet.address)
        data, source = await came(theirs)
        assert data == b"out"
        theirs.sendto(b"back", source)
        assert await came(ours) == (b"back", outlet.address)
        seen.append(source)
    assert seen[0] != seen[1]
    for outlet in outlets:
        outlet.close()
        outlet.close()


async def test_a_target_where_nobody_is_ends_nothing(ports: list[socket.socket]) -> None:
    ours, theirs = ports
    outlet = Outlet(ours.getsockname(), theirs.getsockname())
    where = theirs.getsockname()
    theirs.close()
    for _ in range(3):
        ours.sendto(b"out", outlet.address)
        await asyncio.sleep(0.02)
    with socket.socket(type=socket.SOCK_DGRAM) as again:
        again.setblocking(False)
        again.bind(where)
        ours.sendto(b"out", outlet.address)
        assert (await came(again))[0] == b"out"
    outlet.close()


async def test_a_road_that_does_not_exist_is_said(ports: list[socket.socket]) -> None:
    with pytest.raises(OSError, match=r"\w"):
        Outlet(ports[0].getsockname(), ("255.255.255.255", 9))
