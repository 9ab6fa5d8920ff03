"""What the fake shop does with orders once they were paid: steps, refunds, returns, papers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from tests.web.fake_answers import now_ms, problem

if TYPE_CHECKING:
    from tests.web.fake_shop import FakeShop

BOOKED: Final = ("paid", "declared", "cleared", "shipped", "delivered", "returned", "refunded")


class AfterSales:
    """The books of one fake shop; `deeds` is what it was asked to do."""

    def __init__(self, shop: FakeShop) -> None:
        self.shop = shop
        self.refunds: dict[str, list[dict[str, Any]]] = {}
        self.returns: dict[str, list[dict[str, Any]]] = {}
        self.changes: dict[str, list[dict[str, Any]]] = {}
        self.deeds: list[tuple[str, Any]] = []

    def shown(self, name: str) -> dict[str, Any]:
        order = self.shop.orders[name]
        if order["state"] not in BOOKED:
            return order
        back = sum(one["amount"] for one in self.refunds.get(name, []))
        more = {"refunds": self.refunds.get(name, []), "returns": self.returns.get(name, [])}
        return {**order, "refunded": back, **more}

    def file(self, name: str) -> dict[str, Any]:
        order = self.shown(name)
        first = {"version": 1, "state": "paid", "actor": "desk", "reason": "", "at": order["placed_at"]}
        tried = {"id": "pa-1", "provider": "sandbox", "state": "succeeded", "currency": "CNY"}
        return {
            "order": order,
            "refunded": order.get("refunded", 0),
            "changes": self.changes.setdefault(name, [first]),
            "refunds": self.refunds.get(name, []),
            "returns": self.returns.get(name, []),
            "payments": [{**tried, "amount": order["amounts"]["total"], "created_at": order["placed_at"]}],
        }

    def give_back(self, name: str, amount: int, state: str = "due") -> None:
        now = now_ms() - len(self.refunds.get(name, []))
        one = {"amount": amount, "currency": "CNY", "state": state, "created_at": now, "changed_at": now}
        self.refunds.setdefault(name, []).append(one)

    def ask_back(self, name: str, lines: list[dict[str, int]], reason: str) -> None:
        one = {
            "lines": lines,
            "reason": reason,
            "state": "asked",
            "asked_at": now_ms(),
            "changed_at": now_ms(),
        }
        self.returns.setdefault(name, []).append(one)

    def step(self, name: str, state: str, reason: str = "") -> None:
        file = self.file(name)
        version = len(file["changes"]) + 1
        said = {"version": version, "state": state, "actor": "staff", "reason": reason, "at": now_ms()}
        self.changes[name].append(said)
        self.shop.orders[name] = {**self.shop.orders[name], "state": state, "version": version}

    async def read(self, request: web.Request) -> web.Response:
        return web.json_response(self.file(request.match_info["order"]))

    async def deed(self, request: web.Request) -> web.Response:
        assert request.headers["Idempotency-Key"]
        body, name, deed = await request.json(), request.match_info["order"], request.match_info["deed"]
        file = self.file(name)
        if body["version"] != len(file["changes"]):
            return problem(409, "VersionDiffers", version=len(file["changes"]))
        self.deeds.append((deed, body))
        state = body.get("state", file["order"]["state"])
        if deed == "refund":
            self.give_back(name, body["amount"])
        elif deed == "cancel":
            state = "refunded"
            self.give_back(name, file["order"]["amounts"]["total"] - file["refunded"])
        elif deed == "return":
            prices = [line["price"] for line in file["order"]["lines"]]
            self.give_back(name, sum(prices[one["line"]] * one["pieces"] for one in body["lines"]))
        if deed in ("return", "decline-return"):
            decided = "received" if deed == "return" else "declined"
            self.returns[name] = [{**one, "state": decided} for one in self.returns.get(name, [])]
        self.step(name, state, body.get("reason", ""))
        self.shop.orders[name]["version"] = len(self.changes[name])
        return web.json_response(self.file(name))

    async def contact(self, request: web.Request) -> web.Response:
        self.deeds.append(("contact", await request.json()))
        return web.json_response(self.shop.orders[request.match_info["order"]]["contact"])

    async def ask_return(self, request: web.Request) -> web.Response:
        body, name = await request.json(), request.match_info["order"]
        self.ask_back(name, body["lines"], body["reason"])
        return web.json_response(self.shown(name))

    async def reads(self, request: web.Request) -> web.Response:
        read = {"contact": "ct-1", "person": "by-7h2k", "reader": "staff:ac-1", "purpose": "parcel_label"}
        return web.json_response({"reads": [{**read, "id": 1, "at": 1_795_330_000_000}], "next": None})

    async def messages(self, request: web.Request) -> web.Response:
        if request.match_info["order"] not in self.shop.orders:
            return problem(404, "UnknownOrder")
        said = {"payment": "pa-1", "provider": "sandbox", "at": 1_795_330_000_000, "encoding": "utf-8"}
        bill = {
            "kind": "session",
            "verdict": None,
            "request": "POST /v1/payments",
            "response": '{"ref": "sb_1"}',
        }
        word = {
            "kind": "webhook",
            "verdict": "recorded",
            "request": '{"outcome": "succeeded"}',
            "response": "",
        }
        return web.json_response({"messages": [{**said, **bill}, {**said, **word}]})

    async def erase(self, request: web.Request) -> web.Response:
        name = request.match_info["order"]
        self.shop.orders[name] = {**self.shop.orders[name], "contact": None}
        return web.json_response({"person": "b1", "erased": True})


async def paper(request: web.Request) -> web.Response:
    """Any file: what it is called in the address is what is in it."""
    assert request.headers["Authorization"].startswith("Bearer ")
    return web.Response(body=f"file {request.path_qs}".encode(), content_type="application/octet-stream")


def after_sales_routes(shop: FakeShop) -> list[web.RouteDef]:
    after = shop.after
    return [
        web.get("/api/merchant/orders/{order}", after.read),
        web.get("/api/merchant/orders/{order}/invoice", paper),
        web.get("/api/merchant/orders/{order}/packing-list", paper),
        web.post("/api/merchant/orders/{order}/contact", after.contact),
        web.post("/api/merchant/orders/{order}/{deed}", after.deed),
        web.get("/api/merchant/exports/{name}", paper),
        web.get("/api/orders/{order}/invoice", paper),
        web.get("/api/operator/reads", after.reads),
        web.get("/api/operator/orders/{order}/messages", after.messages),
        web.post("/api/orders/{order}/return", after.ask_return),
        web.post("/api/orders/{order}/erasure", after.erase),
    ]
