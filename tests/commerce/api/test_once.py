"""Shows and goods are made once, however often the request for them comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from commerce.books.tables import audit, products, shows
from tests.commerce.api.street import TITLE, Street

PLAN = {"title": TITLE, "starts_at": 1_800_000_000_000, "time_zone": "UTC", "currency": "CNY"}
GOODS = {
    "sku": "shawl", "title": TITLE, "price": 5, "currency": "CNY", "stock": 3, "hs_code": "6214100010",
    "origin": "UZ", "net_quantity": "0.08", "net_unit": "kg",
}  # fmt: skip
MADE = pytest.mark.parametrize(("what", "body"), [("shows", PLAN), ("products", GOODS)])


async def rows(street: Street, what: str) -> tuple[int, int]:
    """How many there are, and how many acts the trail tells of."""
    table = shows if what == "shows" else products
    async with street.house.books.read() as tx:
        made = await tx.scalar(select(func.count()).select_from(table))
        told = await tx.scalar(select(func.count()).select_from(audit))
    return int(made or 0), int(told or 0)


@MADE
async def test_a_repeated_request_gets_the_first_answer(street: Street, what: str, body: Any) -> None:
    seller = await street.signed_in("seller")
    path = f"/api/merchant/{what}"
    first = await seller.post(path, body, key="once")
    assert first.status == 201
    before = await rows(street, what)
    again = await seller.post(path, body, key="once")
    assert (again.status, again.body) == (201, first.body)
    assert await rows(street, what) == before


@MADE
async def test_a_key_with_another_body_is_refused(street: Street, what: str, body: Any) -> None:
    seller = await street.signed_in("seller")
    path = f"/api/merchant/{what}"
    assert (await seller.post(path, body, key="once")).status == 201
    other = await seller.post(path, {**body, "title": {"en": "Another"}}, key="once")
    assert (other.status, other.body["code"]) == (422, "KeyReused")


async def test_a_key_belongs_to_who_used_it(street: Street) -> None:
    seller, rival = await street.signed_in("seller"), await street.signed_in("rival")
    mine = await seller.post("/api/merchant/shows", PLAN, key="once")
    theirs = await rival.post("/api/merchant/shows", PLAN, key="once")
    assert mine.body["id"] != theirs.body["id"]
    assert theirs.body["merchant"]["id"] == "mr-two"


async def test_requests_that_come_together_make_one_show(street: Street) -> None:
    seller = await street.signed_in("seller")
    before, _ = await rows(street, "shows")
    answers = await asyncio.gather(*(seller.post("/api/merchant/shows", PLAN, key="once") for _ in range(5)))
    assert len({answer.body["id"] for answer in answers}) == 1
    assert (await rows(street, "shows"))[0] == before + 1


async def test_a_refusal_keeps_no_key(street: Street) -> None:
    seller = await street.signed_in("seller")
    alien = {**PLAN, "studio": "st-two"}
    assert (await seller.post("/api/merchant/shows", alien, key="once")).body["code"] == "UnknownStudio"
    assert (await seller.post("/api/merchant/shows", PLAN, key="once")).status == 201


async def test_without_a_key_every_request_is_another(street: Street) -> None:
    seller = await street.signed_in("seller")
    made = [await seller.ask("POST", "/api/merchant/shows", PLAN) for _ in range(2)]
    assert made[0].body["id"] != made[1].body["id"]
    bad = await seller.ask("POST", "/api/merchant/shows", PLAN, headers={"Idempotency-Key": "with blank"})
    assert (bad.status, bad.body["code"]) == (400, "Malformed")
