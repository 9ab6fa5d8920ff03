"""The OpenAPI document is valid, served, and true."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pyotp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from commerce.api.routes import Access, Route
from commerce.api.table import ROUTES
from tests.commerce.api.booking import paid_order
from tests.commerce.api.conforming import DOCUMENT, answered
from tests.commerce.api.street import PASSWORD, TITLE, Answer, Caller, Street, new_key


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).validate()


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [route.handle.__name__ for route in ROUTES]
    assert len(set(names)) == len(names)


async def test_the_document_is_served(street: Street) -> None:
    served = await street.nobody.get("/api/openapi.json")
    assert served.body == DOCUMENT


async def test_every_route_answers_as_the_document_says(street: Street, relay: str) -> None:
    """One walk over all of them; `Caller.ask` holds each answer against the document."""
    answered.clear()
    await walk(street)
    promised = {(route.method, route.path, route.status) for route in ROUTES if not route.streams}
    assert promised - answered == set()


async def walk(street: Street) -> None:
    show, offer = await street.open_show()
    seller, host = await street.signed_in("seller"), await street.signed_in("host")
    operator, buyer = await street.signed_in("operator"), await street.buyer()
    await host.post(f"/api/host/shows/{show}/on-air", {"studio": "st-one"})
    await feed_is_on_air(street, show)
    order = (await street.order(show, offer, buyer)).body["id"]
    for path in (f"/api/shows/{show}", "/api/shows", f"/api/shows/{show}/cart", f"/api/orders/{order}"):
        assert (await buyer.get(path)).status == 200, path
    assert (await buyer.post(f"/api/orders/{order}/payment")).status == 201
    await street.to_the_bank(order)
    await street.pay(order)
    other = (await street.order(show, offer, buyer)).body["id"]
    assert (await buyer.post(f"/api/orders/{other}/cancel")).status == 200
    cart = {"lines": [{"offer": offer, "quantity": 1}]}
    assert (await buyer.ask("PUT", f"/api/shows/{show}/cart", cart)).status == 200
    assert (await buyer.post(f"/api/shows/{show}/seat")).status == 201
    assert (await buyer.post(f"/api/shows/{show}/hearts", {"count": 3})).status == 202
    commands: list[tuple[str, Any]] = [
        ("pin", {"offer": offer, "pts_90khz": 1}),
        ("unpin", {}),
        ("reprice", {"offer": offer, "price": 1_100}),
        ("rundown", {"offers": [offer]}),
        ("withdraw", {"offer": offer}),
        ("off-air", {}),
        ("close", {}),
    ]
    for name, body in commands:
        answer = await host.post(f"/api/host/shows/{show}/{name}", body)
        assert answer.status == 200, (name, answer.body)
    for path in (f"/api/host/shows/{show}/orders", f"/api/host/shows/{show}/studios"):
        assert (await host.get(path)).status == 200
    await walk_merchant(street, seller, show)
    await walk_after_sales(street)
    for path in ("/healthz", "/metrics", "/api/status", "/api/operator/trail"):
        assert (await operator.get(path)).status == 200
    signing = {"name": "seller", "password": PASSWORD}
    assert (await street.nobody.ask("POST", "/api/sessions", signing)).status == 201
    assert (await seller.get("/api/sessions")).body["account"]["role"] == "merchant"
    assert (await buyer.post("/api/sessions/rotation")).status == 201
    await walk_account(street)
    assert (await seller.ask("DELETE", "/api/sessions")).status == 204


async def walk_account(street: Street) -> None:
    """The host's own account: a second factor on, fresh recovery codes, off; another password."""
    host = await street.signed_in("host")
    assert (await host.get("/api/account/security")).status == 200
    enrolled = await host.post("/api/account/second-factor", {"password": PASSWORD})
    assert enrolled.status == 201
    now_s = street.house.now_ms() // 1000
    code = {"code": pyotp.TOTP(enrolled.body["secret"]).at(now_s)}
    on = await host.post("/api/account/second-factor/confirm", code)
    assert on.status == 200
    host.token = on.body["token"]
    path, code = "/api/account/second-factor", {"code": on.body["recovery_codes"][0]}
    fresh = await host.post(f"{path}/codes", code)
    assert fresh.status == 200
    off = await host.post(f"{path}/off", {"code": fresh.body["recovery_codes"][0]})
    host.token = off.body["token"]
    await walk_reset(street, host)
    change = {"password": PASSWORD, "new_password": "another password"}
    assert (await host.post("/api/account/password", change)).status == 200


async def walk_reset(street: Street, host: Caller) -> None:
    enrolled = await host.post("/api/account/second-factor", {"password": PASSWORD})
    code = pyotp.TOTP(enrolled.body["secret"]).at(street.house.now_ms() // 1000)
    assert (await host.post("/api/account/second-factor/confirm", {"code": code})).status == 200
    body = {"name": "host", "password": PASSWORD}
    operator = await street.signed_in("operator")
    assert (await operator.ask("POST", "/api/operator/second-factor-resets", body)).status == 200
    host.token = (await street.nobody.ask("POST", "/api/sessions", body)).body["token"]


async def walk_merchant(street: Street, seller: Caller, show: str) -> None:
    later = await street.scheduled_show()
    change = {"title": {"en": "Other"}, "studio": None}
    assert (await seller.ask("PATCH", f"/api/merchant/shows/{later}", change)).status == 200
    product = {
        "sku": "new", "title": TITLE, "price": 5, "currency": "CNY", "stock": 3, "hs_code": "6214100010",
        "origin": "UZ", "net_quantity": "0.08", "net_unit": "kg",
    }  # fmt: skip
    assert (await seller.post("/api/merchant/products", product)).status == 201
    assert (await seller.post("/api/merchant/studios/st-one/token")).status == 201
    await walk_pairing(street, seller)
    assert (await seller.post("/api/merchant/studios/st-one/revoke")).status == 200
    for path in ("shows", f"shows/{show}", f"shows/{show}/rundown", "products", "orders", "studios"):
        assert (await seller.get(f"/api/merchant/{path}")).status == 200, path


async def walk_after_sales(street: Street) -> None:
    order, buyer, seller = await paid_order(street, quantity=3)
    own, merchants = f"/api/orders/{order}", f"/api/merchant/orders/{order}"
    assert (await seller.get(merchants)).status == 200
    back = {"lines": [{"line": 0, "pieces": 1}]}
    deeds: list[tuple[Caller, str, Any]] = [
        (seller, f"{merchants}/refund", {"amount": 100}),
        (seller, f"{merchants}/advance", {"state": "shipped"}),
        (buyer, f"{own}/return", {**back, "reason": "damaged"}),
        (seller, f"{merchants}/decline-return", {}),
        (seller, f"{merchants}/return", back),
    ]
    for version, (caller, path, body) in enumerate(deeds, 1):
        answer = await caller.post(path, {**body, "version": version})
        assert answer.status == 200, (path, answer.body)
    assert (await seller.post(f"{merchants}/contact", {"purpose": "parcel_label"})).status == 200
    for path in (f"{merchants}/invoice", f"{merchants}/packing-list"):
        assert (await seller.get(path)).status == 200, path
    assert (await buyer.get(f"{own}/invoice?language=zh")).status == 200
    for name in ("orders.csv", "orders.jsonl"):
        assert (await seller.get(f"/api/merchant/exports/{name}")).status == 200
    operator = await street.signed_in("operator")
    assert (await operator.get("/api/operator/reads")).status == 200
    assert (await operator.get(f"/api/operator/orders/{order}/messages")).status == 200
    assert (await operator.post(f"{own}/erasure", {"even_under_way": True})).status == 200
    second, _, _ = await paid_order(street)
    assert (await seller.post(f"/api/merchant/orders/{second}/cancel", {"version": 1})).status == 200


async def walk_pairing(street: Street, seller: Caller) -> None:
    """Two devices: one is let in and renews its credential, one is sent away."""
    asked = [await street.nobody.ask("POST", "/api/pairings", {"agent": "PC"}) for _ in range(2)]
    one, other = (answer.body for answer in asked)
    code = {"user_code": one["user_code"]}
    assert (await seller.ask("POST", "/api/merchant/pairings/look", code)).status == 200
    wish = {**code, "studio": "st-one"}
    assert (await seller.ask("POST", "/api/merchant/pairings/approve", wish)).status == 200
    denied = {"user_code": other["user_code"]}
    assert (await seller.ask("POST", "/api/merchant/pairings/deny", denied)).status == 204
    device = {"device_code": one["device_code"]}
    paired = await street.nobody.ask("POST", "/api/pairings/token", device)
    assert paired.status == 200
    credential = {"credential": paired.body["credential"]}
    assert (await street.nobody.ask("POST", "/api/pairings/renewal", credential)).status == 200


async def feed_is_on_air(street: Street, show: str) -> None:
    feed = await street.house.feed(show)
    await street.comes_true(lambda: feed.state.studio is not None)


# -- who may -----------------------------------------------------------------------------------------

BODIES: dict[str, Any] = {
    "ask_pairing": {"agent": "Studio PC"},
    "collect_pairing": {"device_code": "x" * 43},
    "renew_pairing": {"credential": "x" * 43},
    "look_at_pairing": {"user_code": "BCDF-GHJK"},
    "approve_pairing": {"user_code": "BCDF-GHJK", "studio": "st-one"},
    "deny_pairing": {"user_code": "BCDF-GHJK"},
    "open_session": {"name": "seller", "password": "wrong password"},
    "enrol_second_factor": {"password": "wrong password"},
    "confirm_second_factor": {"code": "000000"},
    "renew_recovery_codes": {"code": "000000"},
    "switch_second_factor_off": {"code": "000000"},
    "change_password": {"password": "wrong password", "new_password": "another password"},
    "reset_second_factor": {"name": "seller", "password": PASSWORD},
    "put_on_air": {"studio": "st-one"},
    "pin_offer": {"offer": "of-x"},
    "reprice_offer": {"offer": "of-x", "price": 1},
    "withdraw_offer": {"offer": "of-x"},
    "arrange_rundown": {"offers": []},
    "send_hearts": {"count": 1},
    "put_cart": {"lines": []},
    "change_show": {"title": {"en": "stolen"}},
    "put_rundown": {"offers": []},
    "schedule_show": {
        "title": TITLE, "starts_at": 1, "time_zone": "UTC", "currency": "CNY", "studio": "st-one",
    },
    "add_product": {
        "sku": "scarf", "title": TITLE, "price": 5, "currency": "CNY", "hs_code": "6214100010",
        "origin": "UZ", "net_quantity": "1", "net_unit": "kg",
    },
    "advance_order": {"version": 1, "state": "shipped"},
    "cancel_paid_order": {"version": 1},
    "refund_order": {"version": 1, "amount": 1},
    "receive_return": {"version": 1, "lines": [{"line": 0, "pieces": 1}]},
    "decline_return": {"version": 1},
    "read_contact": {"purpose": "parcel_label"},
    "ask_for_return": {"version": 1, "lines": [{"line": 0, "pieces": 1}], "reason": "damaged"},
    "place_order": {
        "lines": [{"offer": "of-x", "quantity": 1, "price": 1}],
        "contact": {"name": "A", "phone": "+77011234567", "address": "Somewhere"},
    },
}  # fmt: skip


async def knock(caller: Caller, route: Route, show: str, order: str, query: str = "") -> Answer:
    """Ask a route for what is of the first merchant; a body that does not fit would prove nothing."""
    path = route.path.format(show=show, order=order, studio="st-one", provider="sandbox") + query
    body = BODIES.get(route.handle.__name__, {}) if route.takes is not None else None
    if route.takes is not None:
        msgspec.convert(body, route.takes)
    key = new_key() if route.keyed else None
    return await caller.ask(route.method, path, body, key=key, allow_redirects=False)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


async def test_nobody_gets_past_a_route_that_wants_somebody(street: Street) -> None:
    show, _ = await street.open_show()
    for route in ROUTES:
        if route.access is not Access.ANYONE:
            answer = await knock(street.nobody, route, show, f"or-x.{show}")
            assert answer.status == 401, named(route)
            assert answer.body["code"] == "NotSignedIn", named(route)


async def test_a_buyer_gets_past_no_route_of_the_staff(street: Street) -> None:
    show, _ = await street.open_show()
    buyer = await street.buyer()
    for route in ROUTES:
        if route.access in (Access.STAFF, Access.MERCHANT, Access.OPERATOR):
            answer = await knock(buyer, route, show, f"or-x.{show}")
            assert (answer.status, answer.body["code"]) == (403, "Forbidden"), named(route)


async def test_another_buyer_sees_and_changes_no_order(street: Street) -> None:
    show, offer = await street.open_show()
    order = (await street.order(show, offer, await street.buyer())).body["id"]
    other = await street.buyer()
    for route in ROUTES:
        if "order" in route.parameters and route.access in (Access.SOMEONE, Access.BUYER):
            answer = await knock(other, route, show, order)
            assert (answer.status, answer.body["code"]) == (404, "UnknownOrder"), named(route)


async def test_the_wrong_merchant_gets_nowhere(street: Street) -> None:
    """Every route of the staff, as the staff of another merchant: refused, or about their own alone."""
    show, offer = await street.open_show()
    order = (await street.order(show, offer, await street.buyer())).body["id"]
    rival = await street.signed_in("rival")
    own = await as_own_staff(street, show, order)
    for route in ROUTES:
        if route.access in (Access.ANYONE, Access.BUYER, Access.OPERATOR) or route.handle.__name__ in (
            "end_session",
            "rotate_token",
            "read_session",
        ):
            continue
        answer = await knock(rival, route, show, order)
        if route.parameters and "studio" not in route.parameters and not is_public(route):
            assert answer.status in (403, 404), named(route)
        elif answer.status < 300:
            text = answer.raw.decode()
            assert not [name for name in (show, order, "st-one", "mr-one") if name in text], named(route)
    assert await as_own_staff(street, show, order) == own


def is_public(route: Route) -> bool:
    return route.access is Access.SOMEONE and "order" not in route.parameters


async def as_own_staff(street: Street, show: str, order: str) -> list[Any]:
    seller = await street.signed_in("seller")
    paths = ("shows", f"shows/{show}/rundown", "products", "studios")
    seen = [(await seller.get(f"/api/merchant/{path}")).body for path in paths]
    return [*seen, (await seller.get(f"/api/orders/{order}")).body]


async def test_the_wrong_merchant_named_in_the_query_is_refused(street: Street) -> None:
    """Every route that takes `?merchant=`, asked by the staff of another."""
    show, _ = await street.open_show()
    rival = await street.signed_in("rival")
    asked = [route for route in ROUTES if route.query and "merchant" in route.query.__struct_fields__]
    assert len(asked) > 5
    for route in asked:
        answer = await knock(rival, route, show, f"or-x.{show}", "?merchant=mr-one")
        assert (answer.status, answer.body["code"]) == (403, "Forbidden"), named(route)


async def test_staff_of_a_merchant_get_past_no_route_of_the_operator(street: Street) -> None:
    show = await street.scheduled_show()
    for name in ("seller", "host", "rival"):
        caller = await street.signed_in(name)
        for route in ROUTES:
            if route.access is Access.OPERATOR:
                answer = await knock(caller, route, show, "or-x")
                assert (answer.status, answer.body["code"]) == (403, "Forbidden"), named(route)


async def test_a_host_does_not_write_the_merchants_books(street: Street) -> None:
    show = await street.scheduled_show()
    host = await street.signed_in("host")
    for route in ROUTES:
        if route.access is Access.MERCHANT:
            answer = await knock(host, route, show, "or-x")
            assert (answer.status, answer.body["code"]) == (403, "Forbidden"), named(route)


async def test_an_operator_names_the_merchant(street: Street) -> None:
    await street.scheduled_show()
    operator = await street.signed_in("operator")
    assert (await operator.get("/api/merchant/shows")).body["code"] == "Malformed"
    assert len((await operator.get("/api/merchant/shows?merchant=mr-one")).body["shows"]) == 1
    rival = await street.signed_in("rival")
    assert (await rival.get("/api/merchant/shows?merchant=mr-one")).body["code"] == "Forbidden"


@pytest.mark.parametrize("given", ["trace-1", "0af7651916cd43dd8448eb211c80319c"])
async def test_a_trace_goes_in_and_comes_out(street: Street, given: str) -> None:
    answer = await street.nobody.get("/api/shows", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given
    rubbish = await street.nobody.get("/api/shows", headers={"X-Request-Id": "a b\tc"})
    assert rubbish.headers["X-Request-Id"] not in ("", "a b\tc")
