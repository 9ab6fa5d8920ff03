"""A shop that lives in memory, for what is hard to stage with the real one: offline, errors, ended
shows, long names and none. It speaks docs/http-api.md; end-to-end tests use the shop itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any, Final

from aiohttp import web

from tests.web import fake_goods
from tests.web.fake_access import Access
from tests.web.fake_after import AfterSales, after_sales_routes
from tests.web.fake_answers import now_ms, problem
from tests.web.fake_relay import FakeRelay
from tests.web.fake_staff import staff_routes

SHELLS: Final = {
    "/": "index",
    "/shows/{show}": "show",
    "/orders/{order}": "order",
    "/host": "host",
    "/host/{show}": "host",
    "/merchant": "merchant",
    "/operator": "merchant",
    "/pair": "merchant",
}
POLICY: Final = (
    "default-src 'self'; connect-src 'self' http: https:; img-src 'self' data:; media-src 'self' blob:; "
    "worker-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
HOLD_MS: Final = 600_000


class FakeShop:
    """One show `demo` with twelve offers, and others in other states; whoever signs in is let in."""

    def __init__(self, goods: str = "good", size: tuple[int, int] | None = None) -> None:
        self.relay = FakeRelay(size)
        self.numbers = itertools.count(1)
        self.shows = self.plan()
        self.offers = {offer["id"]: offer for offer in fake_goods.offers(goods)}
        self.pin: dict[str, Any] | None = None
        self.viewers, self.hearts = 1284, 3620
        self.orders: dict[str, dict[str, Any]] = {}
        self.carts: dict[str, list[dict[str, Any]]] = {}
        self.listeners: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self.refusals: list[tuple[int, str, dict[str, Any]]] = []  # answered, in turn, instead of an order
        self.keys: list[str] = []  # Idempotency-Keys of orders, as they came
        self.kept_by_key: dict[str, dict[str, Any]] = {}
        self.down = False  # the list of shows answers 503
        self.no_seats = False
        self.after = AfterSales(self)
        self.saved_rundown: list[dict[str, Any]] = []
        self.version = 1
        self.access = Access()

    def plan(self) -> dict[str, dict[str, Any]]:
        now = now_ms()
        hour = 3_600_000
        later = {"state": "scheduled", "on_air": False}
        tea = {"en": "Tea from two mountains", "zh": "两座山的茶", "ru": "Чай с двух гор"}
        wool = {"en": "Wool, silk and knots", "zh": "羊毛、丝绸与结", "ru": "Шерсть, шёлк и узлы"}
        return {
            "demo": fake_goods.show("demo", now),
            "tea": fake_goods.show("tea", now, title=tea, starts_at=now + 3 * hour, **later),
            "wool": fake_goods.show(
                "wool", now, title=wool, starts_at=now + 26 * hour, time_zone="Asia/Almaty", **later
            ),
            "ended": fake_goods.show("ended", now, state="closed", on_air=False),
        }

    # -- the state as entities ------------------------------------------------------------------

    def entities(self, show: str, host: bool) -> dict[str, Any]:
        view: dict[str, Any] = {
            "show": self.shows[show],
            "rundown": list(self.offers),
            "audience": {"viewers": self.viewers},
            "hearts": {"count": self.hearts},
            "server_time": {"at": now_ms()},
            **{f"offer:{key}": offer for key, offer in self.offers.items()},
        }
        if self.pin:
            view["pin"] = self.pin
        for order in self.orders.values():
            view[f"order:{order['id']}"] = {k: v for k, v in order.items() if k not in ("contact", "pay_url")}
        return view | self.books() if host else view

    def books(self) -> dict[str, Any]:
        """What only hosts see: pools and the tally."""
        orders = list(self.orders.values())
        paid = [order for order in orders if order["state"] == "paid"]
        pools = {}
        for offer in self.offers.values():
            sku, free = offer["lines"][0]["sku"], offer["available"]
            lines = [
                (o["state"], line["quantity"])
                for o in orders
                for line in o["lines"]
                if line["offer"] == offer["id"]
            ]
            held = sum(n for state, n in lines if state == "awaiting_payment")
            sold = sum(n for state, n in lines if state == "paid")
            pools[f"pool:{sku}"] = {
                "sku": sku,
                "allotted": free + held + sold,
                "held": held,
                "sold": sold,
                "free": free,
            }
        tally = {
            "orders": len(orders),
            "paid": len(paid),
            "revenue": sum(order["amounts"]["total"] for order in paid),
            "awaiting": sum(order["state"] == "awaiting_payment" for order in orders),
        }
        return {**pools, "tally": tally}

    def tell(self, **changed: Any) -> None:
        self.version += 1
        for queue in self.listeners:
            queue.put_nowait(changed)

    # -- what a buyer asks ----------------------------------------------------------------------

    async def buyers(self, _: web.Request) -> web.Response:
        number = next(self.numbers)
        return web.json_response({"buyer": f"b{number}", "token": f"buyer-{number}"}, status=201)

    async def list_shows(self, _: web.Request) -> web.Response:
        if self.down:
            return problem(503, "Busy")
        return web.json_response({"shows": [s for s in self.shows.values() if s["state"] != "closed"]})

    async def one_show(self, request: web.Request) -> web.Response:
        show = self.shows.get(request.match_info["show"])
        return web.json_response(show) if show else problem(404, "UnknownShow")

    async def seat(self, request: web.Request) -> web.Response:
        show = self.shows.get(request.match_info["show"])
        if not show:
            return problem(404, "UnknownShow")
        if not show["on_air"]:
            return problem(409, "NotOnAir")
        if self.no_seats:
            return problem(503, "Busy")
        seat = {"whep": f"{request.url.origin()}/whep/{show['id']}", "token": "t", "ice": [], "expires_at": 0}
        return web.json_response(seat, status=201)

    async def whep(self, request: web.Request) -> web.Response:
        answer = await self.relay.answer(await request.text())
        return web.Response(
            status=201, text=answer, content_type="application/sdp", headers={"Location": "/whep/session/1"}
        )

    async def leave(self, _: web.Request) -> web.Response:
        return web.Response(status=200)

    async def cart(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "")
        if request.method == "PUT":
            self.carts[token] = (await request.json())["lines"]
        lines = [
            {**line, "price": self.offers[line["offer"]]["price"]}
            for line in self.carts.get(token, [])
            if line["offer"] in self.offers
        ]
        return web.json_response({"lines": lines, "amounts": fake_goods.amounts(lines)})

    async def place(self, request: web.Request) -> web.Response:
        key = request.headers["Idempotency-Key"]
        self.keys.append(key)
        if self.refusals:
            status, code, fields = self.refusals.pop(0)
            return problem(status, code, **fields)
        if key in self.kept_by_key:
            return web.json_response(self.kept_by_key[key], status=201)
        body = await request.json()
        for line in body["lines"]:
            offer = self.offers[line["offer"]]
            if offer["available"] < line["quantity"]:
                return problem(409, "SoldOut", offer=offer["id"])
            if offer["price"] != line["price"]:
                return problem(409, "PriceChanged", offer=offer["id"], price=offer["price"])
        self.kept_by_key[key] = self.keep(body["lines"], body["contact"])
        return web.json_response(self.kept_by_key[key], status=201)

    def keep(
        self, lines: list[dict[str, Any]], contact: dict[str, Any], state: str = "awaiting_payment"
    ) -> dict[str, Any]:
        """An order that holds its goods."""
        order_id = f"7k{next(self.numbers):03d}qd"
        named = [
            {
                **line,
                "title": self.offers[line["offer"]]["title"],
                "image": self.offers[line["offer"]]["image"],
            }
            for line in lines
        ]
        order = {
            "id": order_id,
            "show": "demo",
            "state": state,
            "lines": named,
            "amounts": fake_goods.amounts(named),
            "held_until": now_ms() + HOLD_MS,
            "placed_at": now_ms(),
            "contact": contact,
            "pay_url": f"/bank/{order_id}",
            "version": self.version,
        }
        self.orders[order_id] = order
        changed: dict[str, Any] = {}
        for line in lines:
            offer = self.offers[line["offer"]]
            left = offer["available"] - line["quantity"]
            self.offers[line["offer"]] = {**offer, "available": left, "sold_out": left == 0}
            changed[f"offer:{line['offer']}"] = self.offers[line["offer"]]
        self.tell(**changed, **{f"order:{order_id}": order}, **self.books())
        return order

    def turn(self, order_id: str, state: str) -> dict[str, Any]:
        order = {**self.orders[order_id], "state": state}
        if state != "awaiting_payment":
            order["pay_url"] = None
        self.orders[order_id] = order
        self.tell(**{f"order:{order_id}": order}, **self.books())
        return order

    async def order(self, request: web.Request) -> web.Response:
        order = request.match_info["order"]
        return (
            web.json_response(self.after.shown(order))
            if order in self.orders
            else problem(404, "UnknownOrder")
        )

    async def cancel(self, request: web.Request) -> web.Response:
        return web.json_response(self.turn(request.match_info["order"], "cancelled"))

    async def bank(self, request: web.Request) -> web.Response:
        self.turn(request.match_info["order"], "paid")
        return web.Response(text="Paid")

    async def send_hearts(self, request: web.Request) -> web.Response:
        self.hearts += (await request.json())["count"]
        self.tell(hearts={"count": self.hearts})
        return web.Response(status=202)

    # -- events -----------------------------------------------------------------------------------

    async def events(self, request: web.Request) -> web.StreamResponse:
        show = request.match_info["show"]
        if show not in self.shows:
            return problem(404, "UnknownShow")
        host = request.query.get("as") == "host"
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(1000)
        self.listeners.add(queue)
        await self.write(response, "snapshot", self.entities(show, host))
        try:
            while (changed := await queue.get()) is not None:
                if not host:
                    changed = {k: v for k, v in changed.items() if not k.startswith(("pool:", "tally"))}
                await self.write(response, "patch", changed)
        finally:
            self.listeners.discard(queue)
        return response

    async def write(self, response: web.StreamResponse, event: str, entities: dict[str, Any]) -> None:
        data = json.dumps({"entities": entities}, ensure_ascii=False)
        await response.write(f"id: e.{self.version}.0\nevent: {event}\ndata: {data}\n\n".encode())

    def hang_up(self) -> None:
        """Ends every stream of events, as a shop that goes away does."""
        for queue in self.listeners:
            queue.put_nowait(None)


async def shell(request: web.Request) -> web.StreamResponse:
    route = request.match_info.route.resource
    name = SHELLS[route.canonical] if route else "index"
    return web.FileResponse(
        fake_goods.WEB / f"pages/{name}.html",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
    )


def application(shop: FakeShop) -> web.Application:
    app = web.Application()
    app.add_routes(
        [
            *(web.get(path, shell) for path in SHELLS),
            web.static("/web", fake_goods.WEB),
            web.post("/api/buyers", shop.buyers),
            web.get("/api/shows", shop.list_shows),
            web.get("/api/shows/{show}", shop.one_show),
            web.post("/api/shows/{show}/seat", shop.seat),
            web.post("/whep/{show}", shop.whep),
            web.delete("/whep/session/{id}", shop.leave),
            web.get("/api/shows/{show}/cart", shop.cart),
            web.put("/api/shows/{show}/cart", shop.cart),
            web.post("/api/shows/{show}/orders", shop.place),
            web.post("/api/shows/{show}/hearts", shop.send_hearts),
            web.get("/api/shows/{show}/events", shop.events),
            web.get("/api/orders/{order}", shop.order),
            web.post("/api/orders/{order}/cancel", shop.cancel),
            web.get("/bank/{order}", shop.bank),
            *staff_routes(shop),
            *after_sales_routes(shop),
        ]
    )
    return app
