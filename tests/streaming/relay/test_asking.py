"""How one relay asks another: answers that come in pieces, answers that are too long."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web

from streaming.contract import RelayEntry, RelayId, ShowId
from streaming.relay.asking import Asking
from streaming.rtc.sdp import OFFER_BYTES_MAX


async def ask(*pieces: bytes) -> str:
    """The answer of a relay whose network brings it in these pieces, each alone."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=201, headers={"Location": "/whep/sh-1/x"})
        response.content_length = sum(map(len, pieces))
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.05)  # it leaves, and is read before the next one
        return response

    app = web.Application()
    app.router.add_post("/whep/sh-1", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    entry = RelayEntry(RelayId("r1"), f"http://127.0.0.1:{runner.addresses[0][1]}", 0, 0, 0.0, ())
    try:
        async with aiohttp.ClientSession() as http, asyncio.timeout(30):
            return (await Asking(http, "token", RelayId("r0")).ask(entry, ShowId("sh-1"), "v=0", None)).answer
    finally:
        await runner.cleanup()


async def test_an_answer_in_pieces_is_read_whole() -> None:
    assert await ask(b"v=0\r\n", b"a=ice-lite\r\n", b"m=video") == "v=0\r\na=ice-lite\r\nm=video"


async def test_an_answer_without_end_is_refused() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(bytes(OFFER_BYTES_MAX), b"more")
