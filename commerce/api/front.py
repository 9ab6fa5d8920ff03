"""The gate in front of every handler: trace, token, rate, body, key; then JSON, or a problem.

One function per route does it all, in the order of what is cheapest to refuse. An error that
nobody foresaw is a 500 `Broken` whose trace stands in the log; its text never leaves the house.
"""

from __future__ import annotations

import functools
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec
import structlog
from aiohttp import web

from commerce.api.ask import Ask
from commerce.api.kinds import KEY_PATTERN
from commerce.api.limits import Buckets
from commerce.api.problems import PROBLEM_TYPE, Problem
from commerce.api.reply import JSON, PLAIN_HEADERS, reply
from commerce.api.routes import Access, Route
from commerce.api.strict import came_by_tls
from commerce.live.sessions import MOST_TOKEN_CHARS, Holder

if TYPE_CHECKING:
    from commerce.api.house import House

WebHandler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_BODY_BYTES: Final = 256 * 1024
TRACE_SHAPE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
KEY_SHAPE: Final = re.compile(KEY_PATTERN)
_encode: Final = msgspec.json.Encoder().encode
CALLER_LEFT: Final = 499  # in the log alone: the caller hung up before the answer

_process: Final = secrets.token_hex(6)
_numbers: Final = itertools.count(1)

log = structlog.get_logger("shop")


def gate(route: Route, house: House) -> WebHandler:
    """The aiohttp handler of a route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        trace = trace_of(request)
        status = CALLER_LEFT
        try:
            response = await _answer(route, house, request, trace)
            status = response.status
        except Problem as problem:
            response = _problem_reply(house, request, problem, trace)
            status = response.status
        except Exception as unforeseen:
            known = house.foreseen(unforeseen)
            if known.code == "Broken":
                log.exception("broken", trace=trace, route=route.path)
            response = _problem_reply(house, request, known, trace)
            status = response.status
        finally:
            took = time.perf_counter() - began
            house.meters.request(route, status, took)
            if not route.streams:
                house.requests.add(trace, route.method, request.path, status, took)
        return response

    return handle


async def _answer(route: Route, house: House, request: web.Request, trace: str) -> web.StreamResponse:
    token = bearer_of(request)
    take(house.by_source, house.source_of(request), route.cost)
    holder = await _holder(house, token)
    _admit(route.access, holder)
    if holder is not None:
        take(house.by_account, holder.id, route.cost)
    ask = Ask(request, house, holder, token, trace, house.now_ms())
    if route.keyed or (route.keyable and "Idempotency-Key" in request.headers):
        ask.key = key_of(request)
    if route.query is not None:
        ask.query = _query(route.query, request)
    if route.takes is None:
        answer = await route.handle(ask)
    else:
        ask.raw = await read_body(request)
        answer = await route.handle(ask, _body(route.takes, request, ask.raw))
    if isinstance(answer, web.StreamResponse):
        return answer
    body, by_tls = None if answer is None else _encode(answer), came_by_tls(house.settings, request)
    return reply(request, route.status, body, trace, by_tls=by_tls)


def _problem_reply(house: House, request: web.Request, problem: Problem, trace: str) -> web.StreamResponse:
    by_tls, headers = came_by_tls(house.settings, request), problem.headers()
    return reply(
        request, problem.status, problem.body(), trace, kind=PROBLEM_TYPE, headers=headers, by_tls=by_tls
    )


def problem_response(problem: Problem, trace: str) -> web.Response:
    """The answer of a problem."""
    headers = {
        **PLAIN_HEADERS,
        **problem.headers(),
        "Content-Type": PROBLEM_TYPE,
        "X-Request-Id": trace,
    }
    return web.Response(status=problem.status, body=problem.body(), headers=headers)


def trace_of(request: web.Request) -> str:
    """The caller's X-Request-Id when it is a sane one, else a new id."""
    given = request.headers.get("X-Request-Id", "")
    if given and TRACE_SHAPE.fullmatch(given):
        return given
    return f"{_process}-{next(_numbers):x}"


def bearer_of(request: web.Request) -> str | None:
    """The bearer token; None when there is no Authorization. Raises NotSignedIn for another scheme."""
    given = request.headers.get("Authorization")
    if given is None:
        return None
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > MOST_TOKEN_CHARS:
        raise Problem("NotSignedIn")
    return token


def key_of(request: web.Request) -> str:
    """The Idempotency-Key of a command."""
    key = request.headers.get("Idempotency-Key", "")
    if not KEY_SHAPE.match(key):
        raise Problem("Malformed", "Idempotency-Key must be 1 to 64 printable characters without blanks")
    return key


def take(buckets: Buckets, name: str, cost: float) -> None:
    """Take from a bucket. Raises RateLimited with the time to wait."""
    if wait := buckets.take(name, cost, time.monotonic()):
        raise Problem("RateLimited", retry_after_s=wait)


async def _holder(house: House, token: str | None) -> Holder | None:
    if token is None:
        return None
    holder = await house.find_holder(token)
    if holder is None:
        raise Problem("NotSignedIn", "The token is unknown or has expired")
    return holder


_FITS: Final[dict[Access, Callable[[Holder], bool]]] = {
    Access.SOMEONE: lambda holder: True,
    Access.BUYER: lambda holder: holder.kind == "buyer",
    Access.STAFF: lambda holder: holder.kind == "staff",
    Access.MERCHANT: lambda holder: holder.kind == "staff" and holder.role in ("merchant", "operator"),
    Access.OPERATOR: lambda holder: holder.kind == "staff" and holder.role == "operator",
}


def _admit(access: Access, holder: Holder | None) -> None:
    if access is Access.ANYONE:
        return
    if holder is None:
        raise Problem("NotSignedIn")
    if not _FITS[access](holder):
        raise Problem("Forbidden", f"This is for: {access.value}")


def _query(kind: type[msgspec.Struct], request: web.Request) -> msgspec.Struct:
    try:
        return msgspec.convert(dict(request.query), kind, strict=False)
    except msgspec.ValidationError as wrong:
        raise Problem("Malformed", f"Query: {wrong}") from None


def _body(kind: type[msgspec.Struct], request: web.Request, raw: bytes) -> msgspec.Struct:
    if not raw and not kind.__struct_fields__:
        return kind()
    if request.headers.get("Content-Type") != JSON and request.content_type != JSON:
        raise Problem("WrongContentType")
    try:
        return _decoder(kind).decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise Problem("Malformed", str(wrong)[:300]) from None


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[msgspec.Struct]:
    return msgspec.json.Decoder(kind)


async def read_body(request: web.Request) -> bytes:
    """The whole body, up to MOST_BODY_BYTES. Raises TooLarge, or Malformed for one that breaks off or is not
    of the encoding it names."""
    if request.content.is_eof() and request.can_read_body:  # a small one has come with its head
        raw = request.content.read_nowait()
        if len(raw) > MOST_BODY_BYTES:
            raise Problem("TooLarge")
        return raw
    if (request.content_length or 0) > MOST_BODY_BYTES:
        raise Problem("TooLarge")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Problem("TooLarge") from None
    except (web.RequestPayloadError, ConnectionError):
        raise Problem("Malformed", "The body cannot be read to its end") from None
