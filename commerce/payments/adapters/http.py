"""One exchange with a firm over HTTP: bytes out, bytes in, and what kind of answer it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from commerce.payments.provider import FirmRefused, FirmSilent, Transcript

ANSWER_SECONDS: Final = 10
MOST_ANSWER_BYTES: Final = 1 << 20
TRY_LATER: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Told:
    """A 2xx answer: its JSON, its headers, and both sides as bytes."""

    body: Any
    transcript: Transcript
    headers: Mapping[str, str]


def new_session() -> aiohttp.ClientSession:
    """A client that follows no redirects and waits ten seconds for an answer."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))


async def exchange(
    session: aiohttp.ClientSession, method: str, url: str, body: bytes, headers: Mapping[str, str]
) -> Told | FirmRefused | FirmSilent:
    """Ask and read. 4xx but 408, 425 and 429 is a refusal; 5xx, a timeout or nonsense is silence."""
    try:
        async with session.request(
            method, url, data=body or None, headers=dict(headers), allow_redirects=False
        ) as answer:
            raw = await _whole(answer)
            status, said_headers = answer.status, answer.headers
    except (aiohttp.ClientError, TimeoutError) as error:
        return FirmSilent(type(error).__name__, Transcript(_said(method, url, body), b""))
    said = Transcript(_said(method, url, body), raw)
    if 200 <= status < 300:
        try:
            return Told(json.loads(raw or b"{}"), said, said_headers)
        except ValueError:
            return FirmSilent("an answer that is no JSON", said)
    if 400 <= status < 500 and status not in TRY_LATER:
        return FirmRefused(f"http_{status}", said)
    return FirmSilent(f"http_{status}", said)


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    """The body, cut at its limit: it comes in as many pieces as the network makes of it."""
    pieces: list[bytes] = []
    room = MOST_ANSWER_BYTES
    while room and (piece := await answer.content.read(room)):
        pieces.append(piece)
        room -= len(piece)
    return b"".join(pieces)


def _said(method: str, url: str, body: bytes) -> bytes:
    return f"{method} {url}\n\n".encode() + body
