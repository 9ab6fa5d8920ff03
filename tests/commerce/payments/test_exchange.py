"""One exchange with a firm, whatever the network makes of it."""

from __future__ import annotations

import json

from aiohttp import web
from aiohttp.test_utils import TestServer

from commerce.payments.adapters.http import MOST_ANSWER_BYTES, Told, exchange, new_session
from commerce.payments.provider import FirmRefused, FirmSilent


async def ask(text: str) -> Told | FirmRefused | FirmSilent:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    app = web.Application()
    app.router.add_get("/", answer)
    async with TestServer(app) as server, new_session() as session:
        return await exchange(session, "GET", str(server.make_url("/")), b"", {})


async def test_an_answer_that_comes_in_many_pieces_is_read_whole() -> None:
    """The first piece alone was taken for the answer: no JSON, so the firm passed for silent."""
    said = {"ref": "x" * (MOST_ANSWER_BYTES // 2)}
    told = await ask(json.dumps(said))
    assert isinstance(told, Told)
    assert told.body == said


async def test_an_answer_beyond_all_measure_is_cut_and_taken_for_silence() -> None:
    silent = await ask(json.dumps("x" * MOST_ANSWER_BYTES))
    assert isinstance(silent, FirmSilent)
    assert len(silent.transcript.response) == MOST_ANSWER_BYTES
