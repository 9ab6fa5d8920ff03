"""How an answer is written: status line, the headers that every answer has, and the body, in one piece.

aiohttp makes headers one by one, sorts out encodings and writes twice; an answer of the shop is always
the same few lines. Whoever speaks older HTTP, asks for the head alone or wants the connection closed is
answered by aiohttp. Knows no routes and no shows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from aiohttp import HttpVersion11, web

from commerce.api.strict import HSTS, NO_PAGE, YEAR

JSON: Final = "application/json"
PLAIN_HEADERS: Final = {"Cache-Control": "no-store", **NO_PAGE}
NO_HEADERS: Final[Mapping[str, str]] = {}
MOST_UNSENT_BYTES: Final = 64 * 1024  # of answers that a caller does not read, before it is waited for


class Written(web.StreamResponse):
    """An answer made beforehand to the last byte."""

    def __init__(self, status: int, whole: bytes) -> None:
        super().__init__(status=status)
        self._whole = whole

    @property
    def keep_alive(self) -> bool | None:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send it all. Raises ConnectionResetError when the caller has gone."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the caller has gone")
        self._eof_sent = True
        transport.write(self._whole)
        if transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            await request.writer.drain()

    async def write_eof(self, data: bytes = b"") -> None:
        """All was sent by `prepare`."""


def reply(
    request: web.Request,
    status: int,
    body: bytes | None,
    trace: str,
    *,
    kind: str = JSON,
    headers: Mapping[str, str] = NO_HEADERS,
    by_tls: bool = False,
) -> web.StreamResponse:
    """The answer to a request. `headers` and `trace` go into its head as they are."""
    if body is None or request.version != HttpVersion11 or not request.keep_alive or request.method == "HEAD":
        return _by_aiohttp(status, body, trace, kind, headers)
    more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]) if headers else ""
    if by_tls:
        more += _HSTS_LINE
    head = (
        f"{_STATUS_LINES[status]}Content-Type: {kind}\r\nX-Request-Id: {trace}\r\n{more}"
        f"{_clock.line()}Content-Length: {len(body)}\r\n\r\n"
    )
    return Written(status, head.encode() + body)


def _by_aiohttp(
    status: int, body: bytes | None, trace: str, kind: str, headers: Mapping[str, str]
) -> web.Response:
    told = {**PLAIN_HEADERS, **headers, "X-Request-Id": trace}
    if body is None:
        return web.Response(status=status, headers=told)
    return web.Response(status=status, body=body, headers={**told, "Content-Type": kind})


_HSTS_LINE: Final = f"{HSTS}: {YEAR}\r\n"
_ALWAYS: Final = "".join([f"{name}: {value}\r\n" for name, value in PLAIN_HEADERS.items()])
_STATUS_LINES: Final = {
    one.value: f"HTTP/1.1 {one.value} {one.phrase}\r\n{_ALWAYS}" for one in HTTPStatus if one.value >= 200
}


class _Clock:
    """The Date header (RFC 9110 section 6.6.1), made once a second."""

    def __init__(self) -> None:
        self._second, self._line = 0, ""

    def line(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._line = second, f"Date: {formatdate(second, usegmt=True)}\r\n"
        return self._line


_clock: Final = _Clock()
