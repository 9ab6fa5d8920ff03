"""The TLS door of HTTPS=1: the same bytes on both sides, and nothing left open."""

import asyncio
import ssl
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from demo.https import Door, certificate
from demo.settings import Address


def test_the_private_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    certificate(tmp_path)
    mode = stat.S_IMODE((tmp_path / "local-https.pem").stat().st_mode)
    assert mode == 0o600


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    first = certificate(tmp_path).read_bytes()
    assert certificate(tmp_path).read_bytes() == first


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


@pytest.fixture
async def house() -> AsyncIterator[Address]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield Address("SHOP_HTTP", "127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


async def test_what_goes_in_by_tls_arrives_inside_and_back(
    house: Address, free_port: Callable[[], int], tmp_path: Path
) -> None:
    authority = certificate(tmp_path)
    outside = Address("SHOP_HTTPS", "127.0.0.1", free_port())
    door = Door(outside, house, tmp_path)
    await door.open()
    trust = ssl.create_default_context(cafile=str(authority))
    reader, writer = await asyncio.open_connection("127.0.0.1", outside.port, ssl=trust)
    writer.write(b"hello " * 50_000)
    assert await reader.readexactly(300_000) == b"HELLO " * 50_000
    await door.close()
    assert await reader.read() == b""
    writer.close()


async def test_a_door_to_an_empty_house_closes_at_once(free_port: Callable[[], int], tmp_path: Path) -> None:
    authority = certificate(tmp_path)
    outside = Address("SHOP_HTTPS", "127.0.0.1", free_port())
    door = Door(outside, Address("SHOP_HTTP", "127.0.0.1", free_port()), tmp_path)
    await door.open()
    trust = ssl.create_default_context(cafile=str(authority))
    reader, writer = await asyncio.open_connection("127.0.0.1", outside.port, ssl=trust)
    assert await reader.read() == b""
    assert door.refused == 1
    writer.close()
    await door.close()
