"""Bad input: each gets its own code and loses nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.commerce.api.firm import SIGNATURE, sign
from tests.commerce.api.street import CONTACT, Answer, Caller, Street, new_key, open_street
from tests.servers import Server


def is_problem(answer: Answer, status: int, code: str) -> bool:
    assert answer.body is not None, answer.raw
    assert (answer.status, answer.body["code"]) == (status, code), answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["status"] == status
    assert answer.body["title"]
    assert answer.body["detail"]
    return True


async def free(street: Street, show: str) -> int:
    return (await street.house.feed(show)).state.pools["scarf"].free


# -- the lines of issue "main job", Bad input ------------------------------------------------------


async def test_a_wrong_content_type(street: Street) -> None:
    show, _ = await street.open_show()
    buyer = await street.buyer()
    answer = await buyer.ask(
        "POST", f"/api/shows/{show}/orders", data=b"<order/>", key="k", headers={"Content-Type": "text/xml"}
    )
    assert is_problem(answer, 415, "WrongContentType")


async def test_a_body_that_is_not_of_the_encoding_it_names(street: Street) -> None:
    """It was a mistake of the shop, 500 with a trace in the log, for whoever sent five bytes."""
    show, _ = await street.open_show()
    buyer = await street.buyer()
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await buyer.ask("POST", f"/api/shows/{show}/orders", data=b"hello", key="k", headers=headers)
    assert is_problem(answer, 400, "Malformed")


async def test_an_unknown_show(street: Street) -> None:
    buyer, host = await street.buyer(), await street.signed_in("host")
    assert is_problem(await buyer.get("/api/shows/sh-none"), 404, "UnknownShow")
    assert is_problem(await street.order("sh-none", "of-x", buyer), 404, "UnknownShow")
    assert is_problem(await host.post("/api/host/shows/sh-none/open"), 404, "UnknownShow")


async def test_a_token_that_was_never_ours(street: Street) -> None:
    show, offer = await street.open_show()
    stranger = Caller(street.http, street.origin, "A" * 43)
    assert is_problem(await street.order(show, offer, stranger), 401, "NotSignedIn")
    for value in ("Basic dTpw", "Bearer", "Bearer ", "Bearer " + "x" * 5_000, "bearer\tx"):
        answer = await street.nobody.get(f"/api/shows/{show}", headers={"Authorization": value})
        assert is_problem(answer, 401, "NotSignedIn")
        assert "Bearer" in answer.headers["WWW-Authenticate"]


async def test_an_expired_token(street: Street) -> None:
    buyer = await street.buyer()
    await street.house.redis.flushdb()
    street.house._holders.clear()
    assert is_problem(await buyer.get("/api/shows/sh-x/cart"), 401, "NotSignedIn")


async def test_a_cart_over_the_buyers_limit(street: Street) -> None:
    show, offer = await street.open_show(units=10, limit=2)
    buyer = await street.buyer()
    path = f"/api/shows/{show}/cart"
    assert (await buyer.ask("PUT", path, {"lines": [{"offer": offer, "quantity": 2}]})).status == 200
    answer = await buyer.ask("PUT", path, {"lines": [{"offer": offer, "quantity": 3}]})
    assert is_problem(answer, 409, "OverLimit")
    assert (answer.body["offer"], answer.body["limit"], answer.body["owned"]) == (offer, 2, 0)
    assert (await buyer.get(path)).body["lines"] == [{"offer": offer, "quantity": 2, "price": 1_000}]
    assert is_problem(await street.order(show, offer, buyer, 3), 409, "OverLimit")
    assert await free(street, show) == 10


async def test_a_sold_out_offer(street: Street) -> None:
    show, offer = await street.open_show(units=1)
    assert (await street.order(show, offer, await street.buyer())).status == 201
    answer = await street.order(show, offer, await street.buyer())
    assert is_problem(answer, 409, "SoldOut")
    assert (answer.body["offer"], answer.body["available"]) == (offer, 0)


async def test_a_repriced_offer(street: Street) -> None:
    show, offer = await street.open_show()
    host = await street.signed_in("host")
    await host.post(f"/api/host/shows/{show}/reprice", {"offer": offer, "price": 1_200})
    answer = await street.order(show, offer, await street.buyer())
    assert is_problem(answer, 409, "PriceChanged")
    assert (answer.body["offer"], answer.body["price"]) == (offer, 1_200)
    assert await free(street, show) == 5


async def test_a_withdrawn_offer(street: Street) -> None:
    show, offer = await street.open_show()
    host, buyer = await street.signed_in("host"), await street.buyer()
    await host.post(f"/api/host/shows/{show}/withdraw", {"offer": offer})
    assert is_problem(await street.order(show, offer, buyer), 409, "OfferGone")
    answer = await buyer.ask("PUT", f"/api/shows/{show}/cart", {"lines": [{"offer": offer, "quantity": 1}]})
    assert is_problem(answer, 409, "OfferGone")


async def test_a_webhook_with_a_wrong_signature(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    await street.to_the_bank(order)
    body, _ = street.firm.word(order, time.time())
    for headers in ({}, {SIGNATURE: sign(body + b" ")}, {SIGNATURE: "00" * 32}):
        answer = await street.nobody.ask("POST", "/api/webhooks/sandbox", data=body, headers=headers)
        assert is_problem(answer, 401, "WrongSignature")
    assert (await buyer.get(f"/api/orders/{order}")).body["state"] == "awaiting_payment"


async def test_a_replayed_webhook_pays_once(street: Street) -> None:
    show, offer = await street.open_show()
    order = (await street.order(show, offer, await street.buyer())).body["id"]
    await street.to_the_bank(order)
    body, headers = street.firm.word(order, time.time())
    for _ in range(3):
        answer = await street.nobody.ask("POST", "/api/webhooks/sandbox", data=body, headers=headers)
        assert answer.status == 204
    state = (await street.house.feed(show)).state
    assert (state.paid, state.revenue) == (1, 1_000)


async def test_a_webhook_signed_long_ago(street: Street) -> None:
    show, offer = await street.open_show()
    order = (await street.order(show, offer, await street.buyer())).body["id"]
    await street.to_the_bank(order)
    for at in (time.time() - 3_600, time.time() + 3_600):
        body, headers = street.firm.word(order, at)
        answer = await street.nobody.ask("POST", "/api/webhooks/sandbox", data=body, headers=headers)
        assert is_problem(answer, 401, "WrongSignature")


async def test_a_webhook_before_its_order(street: Street) -> None:
    """Signed well, about a payment that the books never opened: the firm is to say it again."""
    show, offer = await street.open_show()
    order = (await street.order(show, offer, await street.buyer())).body["id"]
    answer = await street.pay(order, payment="pa-notyet", ref="ref-pa-notyet")
    assert is_problem(answer, 404, "UnknownPayment")


@pytest.mark.parametrize("change", [{"amount": 999}, {"currency": "USD"}, {"order": "or-else"}])
async def test_a_webhook_for_another_sum(street: Street, change: dict[str, Any]) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    assert is_problem(await street.pay(order, **change), 409, "NoticeDiffers")
    assert (await buyer.get(f"/api/orders/{order}")).body["state"] == "awaiting_payment"


async def test_an_unknown_firm(street: Street) -> None:
    answer = await street.nobody.ask("POST", "/api/webhooks/nobank", data=b"{}")
    assert is_problem(answer, 404, "UnknownProvider")


# -- rubbish -----------------------------------------------------------------------------------------

LINE = {"offer": "of-1", "quantity": 1, "price": 1_000}
RUBBISH: list[Any] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe\x00",
    b'{"lines": "\xed\xa0\x80"}',
    b"[" * 5_000,
    json.dumps({"lines": [LINE], "contact": CONTACT, "extra": 1}),
    json.dumps({"lines": [], "contact": CONTACT}),
    json.dumps({"lines": [LINE] * 51, "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "quantity": 0}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "quantity": -1}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "quantity": 1.5}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "quantity": 10**30}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "price": -5}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "price": "1000"}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "currency": "USD"}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "offer": "a b"}], "contact": CONTACT}),
    json.dumps({"lines": [{**LINE, "offer": "of-1\n"}], "contact": CONTACT}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "name": ""}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "name": "a\x00b"}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "name": "a\u202eb"}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "name": "line\n"}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "name": "x" * 121}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "phone": "call me"}}),
    json.dumps({"lines": [LINE], "contact": {**CONTACT, "address": "y" * 501}}),
    '{"lines": [], "contact": {"name": "\\ud800", "phone": "+7 701 1234567", "address": "here"}}',
    json.dumps({"lines": [LINE], "contact": None}),
    "NaN",
]


@pytest.fixture(scope="module")
def rubbish() -> list[bytes]:
    return [body if isinstance(body, bytes) else body.encode() for body in RUBBISH]


async def test_rubbish_for_an_order_is_malformed(street: Street, rubbish: list[bytes]) -> None:
    show, _ = await street.open_show()
    buyer = await street.buyer()
    for body in rubbish:
        answer = await buyer.ask(
            "POST",
            f"/api/shows/{show}/orders",
            data=body,
            key=new_key(),
            headers={"Content-Type": "application/json"},
        )
        assert is_problem(answer, 400, "Malformed"), body[:60]
    assert await free(street, show) == 5


async def test_a_body_that_is_too_large(street: Street) -> None:
    show, _ = await street.open_show()
    buyer = await street.buyer()
    for data in (b" " * 400_000, pieces(400)):
        answer = await buyer.ask(
            "POST",
            f"/api/shows/{show}/orders",
            data=data,
            key=new_key(),
            headers={"Content-Type": "application/json"},
        )
        assert is_problem(answer, 413, "TooLarge")


async def pieces(count: int) -> AsyncIterator[bytes]:
    """A body of unknown length."""
    for _ in range(count):
        yield b" " * 1_000


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 65, "ключ", "tab\there"])
async def test_an_idempotency_key_that_is_none(street: Street, key: str) -> None:
    show, offer = await street.open_show()
    answer = await street.order(show, offer, await street.buyer(), key=None, headers={"Idempotency-Key": key})
    assert is_problem(answer, 400, "Malformed")


async def test_an_order_of_nobody_and_of_somebody_else(street: Street) -> None:
    show, offer = await street.open_show()
    buyer, other = await street.buyer(), await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    for name in (order, "or-none", "or-none.sh-none", f"or-none.{show}", "..", "%2e%2e"):
        answer = await other.get(f"/api/orders/{name}")
        assert answer.status == 404
        assert answer.body["code"] in ("UnknownOrder", "UnknownPath")
    assert is_problem(await other.post(f"/api/orders/{order}/cancel"), 404, "UnknownOrder")
    assert is_problem(await other.post(f"/api/orders/{order}/payment"), 404, "UnknownOrder")


async def test_what_is_over_cannot_be_cancelled_or_paid(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    order = (await street.order(show, offer, buyer)).body["id"]
    cancelled = await buyer.post(f"/api/orders/{order}/cancel")
    assert (cancelled.status, cancelled.body["state"]) == (200, "cancelled")
    assert await free(street, show) == 5
    assert is_problem(await buyer.post(f"/api/orders/{order}/cancel"), 409, "OrderOver")
    assert is_problem(await buyer.post(f"/api/orders/{order}/payment"), 409, "OrderOver")
    paid = (await street.order(show, offer, buyer)).body["id"]
    await street.pay(paid)
    assert is_problem(await buyer.post(f"/api/orders/{paid}/cancel"), 409, "OrderPaid")


async def test_a_firm_that_is_silent_loses_no_order(street: Street) -> None:
    show, offer = await street.open_show()
    buyer = await street.buyer()
    street.firm.silent = True
    placed = await street.order(show, offer, buyer)
    assert placed.status == 201
    back = await street.to_the_bank(placed.body["id"])
    assert back.headers["Location"].endswith(f"/orders/{placed.body['id']}?bank=silent")
    path = f"/api/orders/{placed.body['id']}/payment"
    assert is_problem(await buyer.post(path), 502, "BankSilent")
    street.firm.silent = False
    assert (await buyer.post(path)).status == 201


async def test_a_show_that_is_not_open_takes_no_orders(street: Street) -> None:
    show = await street.scheduled_show()
    assert is_problem(await street.order(show, "of-1", await street.buyer()), 409, "ShowNotOpen")


async def test_wrong_passwords_are_counted(street: Street) -> None:
    body = {"name": "seller", "password": "wrong password"}
    for _ in range(10):
        answer = await street.nobody.ask("POST", "/api/sessions", body)
        assert is_problem(answer, 401, "WrongPassword")
    right = {"name": "seller", "password": "correct horse battery"}
    answer = await street.nobody.ask("POST", "/api/sessions", right)
    assert is_problem(answer, 429, "RateLimited")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_caller_who_asks_too_often_is_told_when_to_come_back(street: Street) -> None:
    buyer, statuses = await street.buyer(), list[int]()
    while 429 not in statuses and len(statuses) < 3_000:  # a busy machine asks hardly faster than it may
        asked = (buyer.get("/api/shows/sh-x/cart") for _ in range(100))
        statuses += [answer.status for answer in await asyncio.gather(*asked)]
    assert set(statuses) == {404, 429}


async def test_unknown_addresses_and_methods(street: Street) -> None:
    assert is_problem(await street.nobody.get("/api/nothing"), 404, "UnknownPath")
    answer = await street.nobody.ask("DELETE", "/api/shows")
    assert is_problem(answer, 405, "WrongMethod")
    assert "GET" in answer.headers["Allow"]


async def test_a_store_that_is_away_is_busy_and_comes_back(own_server: Server, tmp_path: Path) -> None:
    async with open_street(own_server.url, tmp_path) as street:
        show, offer = await street.open_show()
        buyer = await street.buyer()
        own_server.kill()
        answer = await street.nobody.ask("POST", "/api/buyers")
        assert is_problem(answer, 503, "Busy")
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await street.nobody.get(f"/api/shows/{show}")).status == 200
        own_server.start()
        async with asyncio.timeout(40):  # as a client does: the same key again until the shop has decided
            while (placed := await street.order(show, offer, buyer, key="again")).status in (503, 504):  # noqa: ASYNC110 (no event)
                await asyncio.sleep(0.1)
        assert placed.status == 201, placed.body
