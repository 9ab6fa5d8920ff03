"""Media over TCP: frames become datagrams, and strangers are shown out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from streaming.rtc import stun
from streaming.rtc.tcp import FRAME_BYTES_MAX, TcpFront

CHECK = stun.binding_request(bytes(12), "abcd:efgh", b"secret", controlling=1)


class Wire:
    """A TCP front before a UDP socket that the test holds."""

    def __init__(self, front: TcpFront, udp: socket.socket, port: int) -> None:
        self.front, self.udp, self.port = front, udp, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def datagram(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(30):
            return await asyncio.get_running_loop().sock_recvfrom(self.udp, 4096)


@pytest.fixture
async def wire(free_port: Callable[[], int]) -> AsyncIterator[Wire]:
    port = free_port()
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.bind(("127.0.0.1", port))
        front = TcpFront(("127.0.0.1", port))
        await front.listen("127.0.0.1", port)
        yield Wire(front, udp, port)
        await front.close()
        await asyncio.sleep(0)


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


async def test_frames_become_datagrams_and_back(wire: Wire) -> None:
    reader, writer = await wire.connect()
    writer.write(framed(CHECK) + framed(b"\x16dtls")[:3])
    data, peer = await wire.datagram()
    assert data == CHECK
    writer.write(framed(b"\x16dtls")[3:])
    assert (await wire.datagram()) == (b"\x16dtls", peer)
    wire.udp.sendto(b"\x80media", peer)
    async with asyncio.timeout(30):
        assert await reader.readexactly(8) == framed(b"\x80media")
    writer.close()


@pytest.mark.parametrize(
    "said",
    [framed(b"GET / HTTP/1.1\r\n"), b"\x00\x00", (FRAME_BYTES_MAX + 1).to_bytes(2, "big")],
    ids=["no check", "empty frame", "huge frame"],
)
async def test_who_does_not_begin_with_a_check_is_shown_out(wire: Wire, said: bytes) -> None:
    reader, writer = await wire.connect()
    writer.write(said)
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


async def test_an_ended_connection_leaves_nothing(wire: Wire) -> None:
    _, writer = await wire.connect()
    writer.write(framed(CHECK))
    await wire.datagram()
    assert len(wire.front._open) == 1
    writer.close()
    async with asyncio.timeout(30):
        while wire.front._open:  # noqa: ASYNC110 (the front says nothing of it)
            await asyncio.sleep(0.01)


async def test_a_port_that_is_taken_is_said(wire: Wire) -> None:
    other = TcpFront(("127.0.0.1", wire.port))
    with pytest.raises(OSError, match=r"\w"):
        await other.listen("127.0.0.1", wire.port)


async def test_who_goes_without_a_word_leaves_its_place(wire: Wire) -> None:
    wire.front._idle_seconds = 0.05
    reader, writer = await wire.connect()
    writer.write(framed(CHECK))
    await wire.datagram()
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    assert wire.front._open == set()
    writer.close()
