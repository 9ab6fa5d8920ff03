"""The sandbox bank over HTTP: signed requests of the shop, and the page on which a person pays.

POST /v1/payments        {payment, order, amount, currency, payee, return_url} → 201 {ref, url}
GET  /v1/payments/{ref}  → 200 {ref, payment, order, amount, currency, outcome | null}
POST /v1/refunds         {key, ref, amount} → 201 {refund}
GET, POST /pay/{ref}     the page; form fields `choice` and `manner`
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from commerce.payments.sandbox.messenger import Messenger
from commerce.payments.sandbox.page import pay_page, unknown_page
from commerce.payments.sandbox.settings import BankSettings
from commerce.payments.sandbox.till import CHOICES, MANNERS, Conflict, Entry, Till
from commerce.payments.sandbox.words import choose_language
from commerce.payments.signatures import HEADER, why_wrong
from commerce.tasks import end

MOST_BODY_BYTES: Final = 64 * 1024
MOST_AMOUNT: Final = 10**12
ASKED: Final = {"payment": str, "order": str, "amount": int, "currency": str, "payee": str, "return_url": str}
OUTCOMES: Final = {"open": None, "pending": "unknown", "succeeded": "succeeded", "failed": "failed"}
T = TypeVar("T")


class Bank:
    """The bank's handlers over its till; everything that touches the file runs in one thread."""

    def __init__(self, settings: BankSettings, till: Till, secret: bytes) -> None:
        self._settings, self._till, self._secret = settings, till, secret
        self._thread = ThreadPoolExecutor(1, "till")
        self.messenger = Messenger(till, self._run, url=settings.webhook_url, secret=secret)

    def app(self) -> web.Application:
        """The application, with the messenger as a task of its own."""
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.add_routes(
            [
                web.post("/v1/payments", self._open),
                web.get("/v1/payments/{ref}", self._tell),
                web.post("/v1/refunds", self._refund),
                web.get("/pay/{ref}", self._show),
                web.post("/pay/{ref}", self._choose),
                web.get("/healthz", _health),
                web.get("/metrics", _metrics),
            ]
        )
        app.cleanup_ctx.append(self._deliver)
        return app

    async def _deliver(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self.messenger.deliver_for_ever())
        yield
        await end([task])
        await self._run(self._till.close)
        self._thread.shutdown(wait=False)  # its last work is done

    async def _run(self, work: Callable[..., T], *values: Any, **named: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*values, **named))

    # -- for the shop --------------------------------------------------------------------------------

    async def _open(self, request: web.Request) -> web.Response:
        asked = await self._signed(request)
        if set(asked) != set(ASKED) or not all(type(asked[name]) is kind for name, kind in ASKED.items()):
            raise _no(400, "fields")
        if not 0 < asked["amount"] <= MOST_AMOUNT:
            raise _no(400, "amount")
        if urlsplit(asked["return_url"]).scheme not in ("http", "https"):
            raise _no(400, "return_url")
        try:
            entry = await self._run(self._till.open, asked)
        except Conflict as why:
            raise _no(409, str(why)) from None
        url = f"{self._settings.origin}/pay/{entry.ref}"
        return web.json_response({"ref": entry.ref, "url": url}, status=201)

    async def _tell(self, request: web.Request) -> web.Response:
        await self._signed(request)
        entry = await self._find(request)
        if entry is None:
            raise _no(404, "payment")
        named = {name: entry.asked[name] for name in ("payment", "order", "amount", "currency")}
        return web.json_response({"ref": entry.ref, **named, "outcome": OUTCOMES[entry.state]})

    async def _refund(self, request: web.Request) -> web.Response:
        asked = await self._signed(request)
        key, ref, amount = (asked.get(name) for name in ("key", "ref", "amount"))
        if not isinstance(key, str) or not isinstance(ref, str) or type(amount) is not int or amount <= 0:
            raise _no(400, "fields")
        try:
            refund = await self._run(self._till.refund, key, ref, amount, _now_ms())
        except Conflict as why:
            raise _no(409, str(why)) from None
        if refund is None:
            raise _no(404, "payment")
        return web.json_response({"refund": refund}, status=201)

    async def _signed(self, request: web.Request) -> dict[str, Any]:
        body = await request.read()
        said = f"{request.method} {request.path}\n".encode() + body
        if why_wrong(self._secret, request.headers.get(HEADER, ""), said, time.time()) is not None:
            raise _no(401, "signature")
        try:
            asked = json.loads(body or b"{}")
        except ValueError:
            raise _no(400, "json") from None
        if not isinstance(asked, dict):
            raise _no(400, "json")
        return asked

    # -- for the payer ---------------------------------------------------------------------------------

    async def _show(self, request: web.Request) -> web.Response:
        return self._page(request, await self._find(request))

    async def _choose(self, request: web.Request) -> web.Response:
        form = await request.post()
        choice, manner = form.get("choice"), form.get("manner", MANNERS[0])
        if choice not in CHOICES or manner not in MANNERS:
            return self._page(request, await self._find(request), status=400)
        late_ms = self._settings.late_seconds * 1000
        ref, now_ms = request.match_info["ref"], _now_ms()
        entry = await self._run(self._till.choose, ref, choice, manner, now_ms=now_ms, late_ms=late_ms)
        if entry is None:
            return self._page(request, None)
        self.messenger.wake()
        return web.Response(status=303, headers={"Location": entry.asked["return_url"]})

    async def _find(self, request: web.Request) -> Entry | None:
        return await self._run(self._till.find, request.match_info["ref"], _now_ms())

    def _page(self, request: web.Request, entry: Entry | None, status: int = 200) -> web.Response:
        language = choose_language(request.query.get("lang"), request.headers.get("Accept-Language", ""))
        nonce = secrets.token_urlsafe(16)
        if entry is None:
            text, form_to = unknown_page(language, nonce), ""
        else:
            text = pay_page(entry, language, self._settings.late_seconds, nonce)
            back = urlsplit(entry.asked["return_url"])
            form_to = f"{back.scheme}://{back.netloc}"  # browsers hold the redirect after a form to it too
        policy = (
            f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self' {form_to};"
            " base-uri 'none'; frame-ancestors 'none'"
        )
        headers = {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Language",
        }
        status = 404 if entry is None else status
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _no(status: int, code: str) -> web.HTTPException:
    kind = {400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 404: web.HTTPNotFound, 409: web.HTTPConflict}
    return kind[status](text=json.dumps({"error": code}), content_type="application/json")


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _now_ms() -> int:
    return int(time.time() * 1000)
