"""What the fake shop lets hosts and merchants do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.web import fake_goods
from tests.web.fake_answers import now_ms

if TYPE_CHECKING:
    from tests.web.fake_shop import FakeShop

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def host_deed(shop: FakeShop, deed: str, body: dict[str, Any], show: dict[str, Any]) -> dict[str, Any]:
    """The entities that a command of the host changes."""
    match deed:
        case "pin":
            shop.pin = {"offer": body["offer"], "pts_90khz": body.get("pts_90khz"), "pinned_at": now_ms()}
            return {"pin": shop.pin}
        case "unpin":
            shop.pin = None
            return {"pin": None}
        case "on-air" | "off-air":
            show["on_air"] = deed == "on-air"
        case "open" | "close":
            show["state"] = "opened" if deed == "open" else "closed"
        case "reprice":
            offer = {**shop.offers[body["offer"]], "price": body["price"]}
            shop.offers[offer["id"]] = offer
            return {f"offer:{offer['id']}": offer}
    return {"show": dict(show)}


class Desk:
    """The handlers of staff over one fake shop."""

    def __init__(self, shop: FakeShop) -> None:
        self.shop = shop

    async def sign_out(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def deed(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        assert request.headers["Idempotency-Key"]
        show = self.shop.shows[request.match_info["show"]]
        self.shop.tell(**host_deed(self.shop, request.match_info["deed"], body, show))
        return web.json_response({"version": self.shop.version})

    async def orders(self, _: web.Request) -> web.Response:
        return web.json_response({"orders": list(self.shop.orders.values()), "next": None})

    async def studios(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"studios": [{"id": "s1", "name": "Pavilion A"}, {"id": "s2", "name": "Kitchen"}]}
        )

    async def shows(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({"shows": list(self.shop.shows.values())})
        body = await request.json()
        number = next(self.shop.numbers)
        made = fake_goods.show(f"show-{number}", 0, **body, state="scheduled", on_air=False)
        self.shop.shows[made["id"]] = made
        return web.json_response(made, status=201)

    async def rundown(self, request: web.Request) -> web.Response:
        if request.method == "PUT":
            assert request.headers["Idempotency-Key"]
            self.shop.saved_rundown = (await request.json())["offers"]
            return web.json_response({"offers": self.shop.saved_rundown})
        planned = [planned_offer(offer) for offer in list(self.shop.offers.values())[:6]]
        return web.json_response({"offers": planned})

    async def products(self, _: web.Request) -> web.Response:
        return web.json_response({"products": [product(offer) for offer in self.shop.offers.values()]})

    async def token(self, request: web.Request) -> web.Response:
        whip = f"http://127.0.0.1:8081/whip/{request.match_info['studio']}"
        made = {
            "whip": whip,
            "token": "eyJhbGciOiJFZERTQSJ9.c3R1ZGlv.c2ln",
            "expires_at": now_ms() + 86_400_000,
        }
        return web.json_response(made, status=201)


def planned_offer(offer: dict[str, Any]) -> dict[str, Any]:
    same = {name: offer[name] for name in ("title", "image", "lines", "price", "before", "limit")}
    return {
        **same,
        "offer": offer["id"],
        "cap": None,
        "allot": {offer["lines"][0]["sku"]: offer["available"]},
    }


def product(offer: dict[str, Any]) -> dict[str, Any]:
    same = {name: offer[name] for name in ("title", "image", "price")}
    more = {
        "currency": "CNY",
        "hs_code": "0409000000",
        "origin": "KZ",
        "net_quantity": "0.5",
        "net_unit": "kg",
    }
    return {**same, **more, "sku": offer["lines"][0]["sku"], "stock": 200 + offer["available"]}


def staff_routes(shop: FakeShop) -> list[web.RouteDef]:
    desk = Desk(shop)
    return [
        *shop.access.routes(),
        web.delete("/api/sessions", desk.sign_out),
        web.get("/api/host/shows/{show}/orders", desk.orders),
        web.get("/api/host/shows/{show}/studios", desk.studios),
        web.post("/api/host/shows/{show}/{deed}", desk.deed),
        web.get("/api/merchant/shows", desk.shows),
        web.post("/api/merchant/shows", desk.shows),
        web.get("/api/merchant/shows/{show}/rundown", desk.rundown),
        web.put("/api/merchant/shows/{show}/rundown", desk.rundown),
        web.get("/api/merchant/products", desk.products),
        web.get("/api/merchant/orders", desk.orders),
        web.post("/api/merchant/studios/{studio}/token", desk.token),
    ]
