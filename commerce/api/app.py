"""The front as an aiohttp application: the route table behind its gate, the pages, the document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from commerce.api import pages
from commerce.api.front import MOST_BODY_BYTES, gate, problem_response, trace_of
from commerce.api.house import House
from commerce.api.openapi import document
from commerce.api.problems import Problem
from commerce.api.strict import came_by_tls, harden
from commerce.api.table import ROUTES

VERSION: Final = "0.1.0"
PUBLIC_CACHE: Final = "public, max-age=300"


def make_app(house: House) -> web.Application:
    """Everything that `python -m commerce` serves. The caller opens and closes the house."""
    app = web.Application(client_max_size=MOST_BODY_BYTES)
    for route in sorted(ROUTES, key=lambda route: not route.hot):
        app.router.add_route(route.method, route.path, gate(route, house))
    _add_documents(app, house)
    lost = _add_pages(app, house)
    app.router.add_route("*", "/{rest:.*}", stranger(app, lost))
    harden(app, house.settings)
    return app


def stranger(app: web.Application, lost: Handler) -> Handler:
    """The handler of all that no route takes: unknown addresses, and known ones with another method.

    `lost`: the page for a person who typed an address wrong.
    """
    known = {
        resource: sorted({route.method for route in resource} - {"*"}) for resource in app.router.resources()
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        allowed: set[str] = set()
        for resource, methods in known.items():
            for method in methods:
                match, _ = await resource.resolve(request.clone(method=method))
                if match is not None:
                    allowed.add(method)
        if not allowed and pages.is_for_a_person(request):
            return await lost(request)
        if not allowed:
            return problem_response(Problem("UnknownPath"), trace_of(request))
        response = problem_response(Problem("WrongMethod"), trace_of(request))
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    return answer


def _add_documents(app: web.Application, house: House) -> None:
    openapi = json.dumps(document(ROUTES, VERSION)).encode()
    keys = json.dumps(house.jwks).encode()
    for path, body in (("/api/openapi.json", openapi), ("/.well-known/jwks.json", keys)):
        app.router.add_get(path, _fixed(body))


def _fixed(body: bytes) -> Handler:
    async def show(_: web.Request) -> web.StreamResponse:
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": PUBLIC_CACHE,
        }
        return web.Response(body=body, headers=headers)

    return show


def _add_pages(app: web.Application, house: House) -> Handler:
    """Every page at its address; gives the one for an address that is none."""

    def headers() -> Mapping[str, str]:
        allowed = sorted({*house.settings.relay_origins, *house.relays.origins})
        return {"Content-Security-Policy": pages.policy(tuple(allowed))}

    for path, name in pages.SHELLS.items():
        app.router.add_get(path, _by_tls(house, pages.shell(house.shelf, name, headers)))
    app.router.add_get("/web/{path:.+}", pages.files(house.shelf, headers))
    return pages.shell(house.shelf, "index.html", headers, status=404)


def _by_tls(house: House, show: Handler) -> Handler:
    """A page that somebody asked of the proxy without TLS is shown at the address with it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        settings = house.settings
        if settings.tls_in_front and not came_by_tls(settings, request):
            raise web.HTTPPermanentRedirect(settings.origin + request.raw_path)
        return await show(request)

    return answer
