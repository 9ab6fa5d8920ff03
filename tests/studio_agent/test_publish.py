"""The WHIP client tells every outcome as an event and lets the token go nowhere else."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from studio_agent.publish import WhipClient, problem_of, retry_after
from studio_agent.uplink import Answered, Refused, Unreachable


async def outcome_of(handler: web.RequestHandler) -> tuple[object, list[web.Request]]:
    """What the client makes of a server that answers so; and the requests it made."""
    requests: list[web.Request] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        requests.append(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        client = WhipClient(http, str(server.make_url("/whip/main")), lambda: "t0ken")
        return await client.offer("v=0", 1_000.0), requests


async def test_created_is_an_answer_with_an_absolute_session_address() -> None:
    async def created(request: web.Request) -> web.Response:
        headers = {"Location": "/session/7", "ETag": '"1"'}
        return web.Response(status=201, text="v=0", content_type="application/sdp", headers=headers)

    outcome, requests = await outcome_of(created)
    assert isinstance(outcome, Answered)
    assert outcome.answer == "v=0"
    assert outcome.location.endswith("/session/7")
    assert requests[0].headers["Authorization"] == "Bearer t0ken"
    assert requests[0].headers["Content-Type"] == "application/sdp"


async def test_a_temporary_redirect_is_followed_with_the_token() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        if request.path == "/whip/main":
            return web.Response(status=307, headers={"Location": "/other/main"})
        headers = {"Location": "s/1"}
        return web.Response(status=201, text="v=0", content_type="application/sdp", headers=headers)

    outcome, requests = await outcome_of(elsewhere)
    assert isinstance(outcome, Answered)
    assert outcome.location.endswith("/other/s/1")
    assert [(r.method, r.headers["Authorization"]) for r in requests] == [("POST", "Bearer t0ken")] * 2


async def test_an_endless_redirect_has_an_end() -> None:
    async def round_and_round(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": request.path + "x"})

    outcome, requests = await outcome_of(round_and_round)
    assert isinstance(outcome, Refused)
    assert len(requests) == 5


async def test_a_refusal_keeps_the_words_and_the_patience_of_the_relay() -> None:
    async def full(request: web.Request) -> web.Response:
        problem = {"title": "Full", "detail": "Come back later"}
        return web.json_response(problem, status=503, headers={"Retry-After": "12"})

    assert (await outcome_of(full))[0] == Refused(503, "Come back later", 12.0)


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (201, {}, "application/sdp"),
        (201, {"Location": "/s"}, "text/html"),
        (200, {"Location": "/s"}, "application/sdp"),
    ],
)
async def test_a_server_that_is_no_whip_server_is_refused(
    status: int, headers: dict[str, str], kind: str
) -> None:
    async def odd(request: web.Request) -> web.Response:
        return web.Response(status=status, text="v=0", content_type=kind, headers=headers)

    assert isinstance((await outcome_of(odd))[0], Refused)


async def test_nobody_at_home_is_unreachable() -> None:
    async with aiohttp.ClientSession() as http:
        client = WhipClient(http, "http://127.0.0.1:1/whip/main", lambda: "")
        assert isinstance(await client.offer("v=0", 0.0), Unreachable)
        assert await client.delete("http://127.0.0.1:1/session/1") is None


def test_both_forms_of_retry_after_are_read() -> None:
    assert retry_after("7", 0.0) == 7
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 30.0) == 30
    assert retry_after("soon", 0.0) is None
    assert retry_after(None, 0.0) is None


def test_a_body_that_is_no_problem_says_nothing() -> None:
    assert problem_of("<html>") == ""
    assert problem_of("[1]") == ""
    assert problem_of('{"title": "No", "detail": ""}') == "No"
