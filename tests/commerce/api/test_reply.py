"""Answers as bytes on a connection: whole, in order, and closed when the caller wants that."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.commerce.api.street import Street

ASKS = 200


@asynccontextmanager
async def line(street: Street) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    where = urlsplit(street.origin)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    async with asyncio.timeout(30):
        yield reader, writer
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def hear(reader: asyncio.StreamReader) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in [part.partition(": ") for part in head[1:-2]]}
    return head[0].encode(), headers, await reader.readexactly(int(headers["content-length"]))


async def test_answers_to_requests_sent_together_come_whole_and_in_order(street: Street) -> None:
    async with line(street) as (reader, writer):
        for name in ("one", "two", "three"):
            writer.write(b"GET /api/shows HTTP/1.1\r\nHost: x\r\nX-Request-Id: %b\r\n\r\n" % name.encode())
        for name in ("one", "two", "three"):
            status, headers, body = await hear(reader)
            assert (status, headers["x-request-id"]) == (b"HTTP/1.1 200 OK", name)
            assert headers["date"].endswith("GMT")
            assert headers["cache-control"] == "no-store"
            assert body.startswith(b'{"shows":')


async def test_a_refusal_leaves_the_connection_to_the_next_request(street: Street) -> None:
    async with line(street) as (reader, writer):
        writer.write(b"GET /api/orders/or-1.sh-1 HTTP/1.1\r\nHost: x\r\n\r\n")
        status, headers, _ = await hear(reader)
        assert status == b"HTTP/1.1 401 Unauthorized"
        assert headers["content-type"] == "application/problem+json"
        assert "Bearer" in headers["www-authenticate"]
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await hear(reader))[0] == b"HTTP/1.1 200 OK"


async def test_who_wants_the_connection_closed_gets_it_closed(street: Street) -> None:
    for request in (b"GET /api/shows HTTP/1.1\r\nHost: x\r\nConnection: close", b"GET /api/shows HTTP/1.0"):
        async with line(street) as (reader, writer):
            writer.write(request + b"\r\n\r\n")
            status, _, body = await hear(reader)
            assert status.endswith(b" 200 OK")
            assert body.startswith(b'{"shows":')
            assert await reader.read() == b""


async def test_a_body_in_pieces_is_the_same_body(street: Street) -> None:
    async with line(street) as (reader, writer):
        head = b"POST /api/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        body = b'{"name":"nobody","password":"wrong"}'
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body[:7])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(body[7:])
        assert (await hear(reader))[0] == b"HTTP/1.1 401 Unauthorized"
        chunks = b"".join([b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:9], body[9:])])
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert (await hear(reader))[0] == b"HTTP/1.1 401 Unauthorized"


async def test_requests_leave_no_rings_to_collect(street: Street) -> None:
    """A front sets aside what lives and looks for rings once an hour: a request must clean up by itself."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    refused = b"GET /api/orders/or-1.sh-1 HTTP/1.1\r\nHost: x\r\n\r\n"
    async with line(street) as (reader, writer):
        gc.collect()
        gc.disable()
        try:
            for _ in range(ASKS):
                writer.write(request + refused)
                await hear(reader)
                await hear(reader)
            assert gc.collect() < ASKS
        finally:
            gc.enable()
