"""What the fake shop lets hosts and merchants do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.web import fake_goods

if TYPE_CHECKING:
    from tests.web.fake_shop import FakeShop

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def host_deed(shop: FakeShop, deed: str, body: dict[str, Any], show: dict[str, Any]) -> dict[str, Any]:
    """The entities that a command of the host changes."""
    from tests.web.fake_shop import now_ms

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


def staff_routes(shop: FakeShop) -> list[web.RouteDef]:
    async def sign_in(request: web.Request) -> web.Response:
        from tests.web.fake_shop import problem

        body = await request.json()
        if body["password"] != "pavilion":
            return problem(401, "NotSignedIn")
        account = {"id": "a1", "name": body["name"], "role": body["name"], "merchant": "m1"}
        return web.json_response({"token": "staff-1", "account": account}, status=201)

    async def sign_out(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async def deed(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        show = shop.shows[request.match_info["show"]]
        shop.tell(**host_deed(shop, request.match_info["deed"], body, show))
        return web.json_response({"version": shop.version})

    async def orders(_: web.Request) -> web.Response:
        return web.json_response({"orders": list(shop.orders.values()), "next": None})

    async def studios(_: web.Request) -> web.Response:
        return web.json_response(
            {"studios": [{"id": "s1", "name": "Pavilion A"}, {"id": "s2", "name": "Kitchen"}]}
        )

    async def shows(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({"shows": list(shop.shows.values())})
        body = await request.json()
        number = next(shop.numbers)
        made = fake_goods.show(f"show-{number}", 0, **body, state="scheduled", on_air=False)
        shop.shows[made["id"]] = made
        return web.json_response(made, status=201)

    async def rundown(request: web.Request) -> web.Response:
        if request.method == "PUT":
            return web.json_response(await request.json())
        planned = [
            {
                "offer": o["id"],
                "title": o["title"],
                "image": o["image"],
                "lines": o["lines"],
                "price": o["price"],
                "before": o["before"],
                "cap": None,
                "limit": o["limit"],
                "allot": {o["lines"][0]["sku"]: o["available"]},
            }
            for o in list(shop.offers.values())[:6]
        ]
        return web.json_response({"offers": planned})

    async def products(_: web.Request) -> web.Response:
        listed = [
            {
                "sku": offer["lines"][0]["sku"],
                "title": offer["title"],
                "image": offer["image"],
                "price": offer["price"],
                "currency": "CNY",
                "stock": 200 + offer["available"],
                "hs_code": "0409000000",
                "origin": "KZ",
                "net_quantity": "0.5",
                "net_unit": "kg",
            }
            for offer in shop.offers.values()
        ]
        return web.json_response({"products": listed})

    async def token(request: web.Request) -> web.Response:
        from tests.web.fake_shop import now_ms

        whip = f"http://127.0.0.1:8081/whip/{request.match_info['studio']}"
        made = {
            "whip": whip,
            "token": "eyJhbGciOiJFZERTQSJ9.c3R1ZGlv.c2ln",
            "expires_at": now_ms() + 86_400_000,
        }
        return web.json_response(made, status=201)

    return [
        web.post("/api/sessions", sign_in),
        web.delete("/api/sessions", sign_out),
        web.get("/api/host/shows/{show}/orders", orders),
        web.get("/api/host/shows/{show}/studios", studios),
        web.post("/api/host/shows/{show}/{deed}", deed),
        web.get("/api/merchant/shows", shows),
        web.post("/api/merchant/shows", shows),
        web.get("/api/merchant/shows/{show}/rundown", rundown),
        web.put("/api/merchant/shows/{show}/rundown", rundown),
        web.get("/api/merchant/products", products),
        web.get("/api/merchant/orders", orders),
        web.get("/api/merchant/studios", studios),
        web.post("/api/merchant/studios/{studio}/token", token),
    ]
