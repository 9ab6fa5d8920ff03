"""Tokens: opaque, kept as digests, turned over, ended; merchants and limits."""

from __future__ import annotations

import asyncio

from commerce.api.limits import Buckets, Rate
from tests.commerce.api.booking import archiving
from tests.commerce.api.street import PASSWORD, Caller, Street


async def test_the_store_holds_no_token(street: Street) -> None:
    buyer, seller = await street.buyer(), await street.signed_in("seller")
    kept = [key async for key in street.house.redis.scan_iter("*")]
    kept += [await street.house.redis.get(key) or b"" for key in kept if b"session:" in key]
    for token in (buyer.token, seller.token):
        assert not [text for text in kept if token.encode() in text]


async def test_a_rotated_token_ends_the_old_one(street: Street) -> None:
    buyer = await street.buyer()
    fresh = (await buyer.post("/api/sessions/rotation")).body["token"]
    show = await street.scheduled_show()
    assert (await buyer.get(f"/api/shows/{show}/cart")).status == 401
    renewed = Caller(street.http, street.origin, fresh, buyer.id)
    assert (await renewed.get(f"/api/shows/{show}/cart")).status == 200


async def test_signing_out_ends_the_session(street: Street) -> None:
    seller = await street.signed_in("seller")
    assert (await seller.ask("DELETE", "/api/sessions")).status == 204
    assert (await seller.get("/api/sessions")).status == 401


async def test_all_sessions_of_an_account_can_be_ended(street: Street) -> None:
    body = {"name": "seller", "password": PASSWORD}
    made = [(await street.nobody.ask("POST", "/api/sessions", body)).body for _ in range(2)]
    assert await street.house.sessions.end_all(made[0]["account"]["id"]) == 2
    for one in made:
        assert await street.house.sessions.find(one["token"]) is None


async def test_privileged_acts_leave_a_trail(street: Street) -> None:
    show, offer = await street.open_show()
    host, operator = await street.signed_in("host"), await street.signed_in("operator")
    answer = await host.post(f"/api/host/shows/{show}/reprice", {"offer": offer, "price": 900})
    # The front may die here: what the desk decided is in the log, and the archivist writes it down.
    before = (await operator.get("/api/operator/trail")).body["acts"]
    assert [one["act"] for one in before] == ["OpenShow", "PutRundown", "ScheduleShow"]
    assert before[0]["details"]["trace"]
    async with archiving(street, show), asyncio.timeout(30):
        while not (acts := (await operator.get("/api/operator/trail?act=RepriceOffer")).body["acts"]):  # noqa: ASYNC110  the books tell nobody
            await asyncio.sleep(0.02)
    (line,) = acts
    assert (line["subject"], line["name"]) == (show, "host")
    assert line["details"] == {"offer": offer, "price": 900, "version": answer.body["version"]}


def test_a_bucket_fills_again_with_time() -> None:
    buckets = Buckets(Rate(burst=2, per_second=1))
    assert [buckets.take("a", 1, 0.0) for _ in range(3)] == [0.0, 0.0, 1.0]
    assert buckets.take("b", 1, 0.0) == 0.0
    assert buckets.take("a", 1, 1.0) == 0.0
    assert buckets.refused == 1


def test_buckets_are_bounded() -> None:
    buckets = Buckets(Rate(burst=1, per_second=1), most=10)
    for number in range(100):
        buckets.take(str(number), 1, 0.0)
    assert len(buckets._buckets) == 10


async def test_operators_read_the_trail_page_by_page(street: Street) -> None:
    seller, operator = await street.signed_in("seller"), await street.signed_in("operator")
    plan = {"title": {"en": "x"}, "starts_at": 1, "time_zone": "UTC", "currency": "CNY"}
    made = [(await seller.post("/api/merchant/shows", plan)).body["id"] for _ in range(52)]
    first = (await operator.get("/api/operator/trail?name=seller")).body
    rest = (await operator.get(f"/api/operator/trail?name=seller&before={first['next']}")).body
    acts = first["acts"] + rest["acts"]
    assert [act["subject"] for act in acts] == made[::-1]
    assert {(act["name"], act["merchant"], act["act"]) for act in acts} == {
        ("seller", "mr-one", "ScheduleShow")
    }
    assert rest["next"] is None
    one = (await operator.get(f"/api/operator/trail?act=ScheduleShow&subject={made[7]}")).body["acts"]
    assert [act["subject"] for act in one] == [made[7]]
    assert (await operator.get("/api/operator/trail?name=host")).body == {"acts": [], "next": None}
