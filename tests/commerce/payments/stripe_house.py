"""Stripe's counterpart on this machine: sessions, refunds, and events signed as Stripe signs them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from commerce.payments.adapters.stripe import Stripe, StripeAccount
from tests.commerce.payments.houses import Firm, ear_at_work

API_KEY = "sk_test_51Silkcast"
WEBHOOK_SECRET = "whsec_c2lsa2Nhc3Q"


@dataclass
class StripeHouse:
    """Keeps sessions and refunds by idempotency key, as Stripe does."""

    hook: str
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    by_key: dict[str, tuple[dict[str, Any], dict[str, Any]]] = field(default_factory=dict)

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/v1/checkout/sessions", self.create),
                web.get("/v1/checkout/sessions/{id}", self.retrieve),
                web.post("/v1/refunds", self.refund),
            ]
        )
        return app

    async def create(self, request: web.Request) -> web.Response:
        form = await self._form(request)

        def make() -> dict[str, Any]:
            price = "line_items[0][price_data]"
            made = {
                "id": f"cs_test_{len(self.sessions)}",
                "object": "checkout.session",
                "url": f"http://pay.test/c/cs_test_{len(self.sessions)}",
                "status": "open",
                "payment_status": "unpaid",
                "payment_intent": None,
                "amount_total": int(form[f"{price}[unit_amount]"]),
                "currency": form[f"{price}[currency]"],
                "client_reference_id": form["client_reference_id"],
                "metadata": {name: form[f"metadata[{name}]"] for name in ("payment", "order")},
            }
            self.sessions[made["id"]] = made
            return made

        return self._once(request, form, make)

    async def retrieve(self, request: web.Request) -> web.Response:
        await self._form(request)
        session = self.sessions.get(request.match_info["id"])
        if session is None:
            return error(404, "invalid_request_error", "resource_missing")
        return web.json_response(session)

    async def refund(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        paid = next(s for s in self.sessions.values() if s["payment_intent"] == form["payment_intent"])
        amount = int(form["amount"])
        known = request.headers["Idempotency-Key"] in self.by_key
        back = sum(r["amount"] for r in self.refunds if r["payment_intent"] == form["payment_intent"])
        if not known and back + amount > paid["amount_total"]:
            return error(400, "invalid_request_error", "charge_already_refunded")

        def make() -> dict[str, Any]:
            made = {
                "id": f"re_{len(self.refunds)}", "object": "refund", "status": "succeeded", "amount": amount,
                "payment_intent": form["payment_intent"],
            }  # fmt: skip
            self.refunds.append(made)
            return made

        return self._once(request, form, make)

    async def settle(self, url: str, *, paid: bool) -> None:
        """The payer pays, or lets the session expire; the event goes out."""
        session = self.sessions[url.rpartition("/")[2]]
        if paid:
            session |= {
                "status": "complete",
                "payment_status": "paid",
                "payment_intent": f"pi_{session['id']}",
            }
        else:
            session["status"] = "expired"
        kind = "checkout.session.completed" if paid else "checkout.session.expired"
        await self.say({"id": "evt_1", "object": "event", "type": kind, "data": {"object": session}})

    async def say(self, event: dict[str, Any]) -> None:
        body = json.dumps(event, indent=2).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(WEBHOOK_SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {"Stripe-Signature": f"t={stamp},v1={digest},v0=00", "Content-Type": "application/json"}
        async with (
            aiohttp.ClientSession() as wire,
            wire.post(self.hook, data=body, headers=headers) as answer,
        ):
            assert answer.status == 204

    async def _form(self, request: web.Request) -> dict[str, str]:
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            raise web.HTTPUnauthorized(text=json.dumps({"error": {"type": "invalid_request_error"}}))
        return {name: str(value) for name, value in (await request.post()).items()}

    def _once(self, request: web.Request, form: dict[str, Any], make: Any) -> web.Response:
        key = request.headers["Idempotency-Key"]
        if key not in self.by_key:
            self.by_key[key] = (form, make())
        asked, made = self.by_key[key]
        return web.json_response(made) if asked == form else error(400, "idempotency_error", None)


def error(status: int, kind: str, code: str | None) -> web.Response:
    return web.json_response({"error": {"type": kind, "code": code, "message": "no"}}, status=status)


@asynccontextmanager
async def stripe_firm(folder: Path) -> AsyncIterator[Firm]:
    """Our adapter before Stripe's counterpart."""
    async with ear_at_work() as (ear, hook):
        house = StripeHouse(hook)
        async with TestServer(house.app()) as server:
            origin = str(server.make_url("/")).rstrip("/")
            adapter = Stripe(StripeAccount(API_KEY, WEBHOOK_SECRET, origin))
            yield Firm(
                adapter,
                ear,
                lambda url: house.settle(url, paid=True),
                lambda url: house.settle(url, paid=False),
            )
            await adapter.close()
