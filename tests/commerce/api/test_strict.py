"""Every answer makes browsers careful; HSTS comes with TLS, ours or that of the proxies in front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from commerce.api.app import make_app
from commerce.api.pages import SHELLS
from commerce.api.routes import Route
from commerce.api.table import ROUTES
from tests.commerce.api.conforming import is_careful
from tests.commerce.api.street import Street, open_street
from tests.servers import Server

ORIGIN = "https://shop.example"
HSTS = "Strict-Transport-Security"
DOCUMENTS = (
    "/api/openapi.json",
    "/.well-known/jwks.json",
    "/web/pages/index.html",
    "/web/none.js",
    "/api/none",
    "/%00",
)
PAGES = [
    path.replace("{show}", "sh-1").replace("{order}", "or-1.sh-1") for path in SHELLS if "{rest" not in path
]


@pytest.fixture
async def behind(valkey: Server, tmp_path: Path) -> AsyncIterator[Street]:
    """A shop behind one proxy that ends TLS."""
    settings = {"TLS_IN_FRONT": "1", "PROXIES": "1", "SHOP_URL": ORIGIN}
    async with open_street(valkey.url, tmp_path, **settings) as opened:
        yield opened


def walk() -> list[tuple[str, str]]:
    """Every address of the shop: the table's, pages, documents, what is not there and what is not allowed."""
    table = [(route.method, filled(route)) for route in ROUTES]
    fixed = [("GET", path) for path in (*PAGES, *DOCUMENTS)]
    return [*table, *fixed, ("DELETE", "/"), ("POST", "/api/openapi.json")]


def filled(route: Route) -> str:
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", "x-1")
    return path


def test_the_walk_leaves_no_route_out(street: Street) -> None:
    served = {
        resource.canonical
        for resource in make_app(street.house).router.resources()
        if resource.canonical not in ("/{rest}", "/merchant/{rest}", "/web/{path}")
    }
    walked = {route.path for route in ROUTES} | set(SHELLS) | set(DOCUMENTS)
    assert served - walked == set()


async def headers_of(street: Street, said: dict[str, str]) -> list[tuple[str, str, int, dict[str, str]]]:
    found = []
    async with ClientSession() as http:
        for method, path in walk():
            where = street.origin + path
            async with http.request(method, where, headers=said, allow_redirects=False) as got:
                found.append((method, path, got.status, dict(got.headers)))
    return found


async def test_every_answer_over_tls_demands_tls_for_a_year(behind: Street) -> None:
    for said in ({"X-Forwarded-Proto": "https"}, {}, {"X-Forwarded-Proto": "http, https"}):
        for method, path, status, headers in await headers_of(behind, said):
            assert is_careful(headers), (method, path, status)
            assert headers.get(HSTS) == "max-age=31536000", (method, path, status)
            assert status != 308, path


async def test_what_came_in_the_clear_is_sent_to_the_address_with_tls(behind: Street) -> None:
    for method, path, status, headers in await headers_of(behind, {"X-Forwarded-Proto": "http"}):
        assert is_careful(headers), (method, path, status)
        assert HSTS not in headers, (method, path, status)  # RFC 6797 section 7.2
        if method == "GET" and path in PAGES:
            assert (status, headers["Location"]) == (308, ORIGIN + path)


async def test_nobody_believes_a_caller_who_says_that_he_came_by_tls(street: Street) -> None:
    for method, path, status, headers in await headers_of(street, {"X-Forwarded-Proto": "https"}):
        assert is_careful(headers), (method, path, status)
        assert HSTS not in headers, (method, path)


async def test_nothing_sets_a_cookie(behind: Street) -> None:
    for method, path, _, headers in await headers_of(behind, {}):
        assert "Set-Cookie" not in headers, (method, path)
