"""Pages and files of `web/`: one shell for every id, strict headers, nothing outside the folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commerce.api.registry import register
from tests.commerce.api.street import Street, open_street
from tests.servers import Server


@pytest.fixture
async def street(valkey: Server, tmp_path: Path) -> AsyncIterator[Street]:
    web = tmp_path / "web"
    (web / "pages").mkdir(parents=True)
    for name in ("index", "show", "order", "host", "merchant"):
        (web / "pages" / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>" + " " * 2_000)
    (web / "app.js").write_text("export const one = 1;\n" * 100)
    (web / ".hidden").write_text("secret")
    (tmp_path / "outside.txt").write_text("secret")
    async with open_street(valkey.url, tmp_path, WEB_DIR=str(web)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "shell"),
    [
        ("/", "index"),
        ("/shows/sh-1", "show"),
        ("/orders/or-1.sh-1", "order"),
        ("/host", "host"),
        ("/host/sh-1", "host"),
        ("/merchant", "merchant"),
        ("/merchant/shows/sh-1", "merchant"),
        ("/pair", "merchant"),
        ("/operator", "merchant"),
    ],
)
async def test_every_address_has_its_shell(street: Street, path: str, shell: str) -> None:
    page = await street.nobody.get(path)
    assert page.status == 200
    assert f"<title>{shell}</title>".encode() in page.raw
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_a_mistyped_address_is_a_page_for_people_and_a_problem_for_programs(street: Street) -> None:
    page = await street.nobody.get("/shop", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"<title>index</title>" in page.raw
    assert page.headers["Content-Security-Policy"]
    for path, accept in (("/shop", "*/*"), ("/api/shop", "text/html"), ("/web/shop", "text/html")):
        answer = await street.nobody.get(path, headers={"Accept": accept})
        assert (answer.status, answer.body["code"]) == (404, "UnknownPath")


async def test_pages_carry_strict_headers(street: Street) -> None:
    await register(street.house.redis, "relay-1", "https://relay.test:8081/x", street.house.now_ms())
    await street.house.relays.living()
    page = await street.nobody.get("/")
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self' https://relay.test:8081"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_a_file_is_sent_once_and_then_known(street: Street) -> None:
    first = await street.nobody.get("/web/app.js")
    assert first.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert first.headers["Content-Encoding"] == "gzip"
    again = await street.nobody.get("/web/app.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw) == (304, b"")
    plain = await street.nobody.get("/web/app.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.raw == first.raw


@pytest.mark.parametrize(
    "path",
    [
        "/web/.hidden",
        "/web/../outside.txt",
        "/web/%2e%2e/outside.txt",
        "/web//etc/passwd",
        "/web/pages",
        "/web/none.js",
        "/web/a%00b",
    ],
)
async def test_nothing_outside_the_folder_is_named(street: Street, path: str) -> None:
    answer = await street.nobody.get(path)
    assert answer.status == 404
    assert b"secret" not in answer.raw
