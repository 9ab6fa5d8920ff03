"""Pairing a studio's agent by a short code: waiting, asking, letting in, sending away, renewing, revoking."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from sqlalchemy import select

from commerce.api.seat import PAIRED_SECONDS
from commerce.books.pairings import IDLE_MS
from commerce.books.tables import audit, studio_pairings
from commerce.live.pairing import INTERVAL_SECONDS, LETTERS, LIFE_SECONDS, as_typed, new_code, shown
from tests.commerce.api.registry import register
from tests.commerce.api.street import Answer, Caller, Street

LOOK, APPROVE, DENY = (f"/api/merchant/pairings/{act}" for act in ("look", "approve", "deny"))


class Clock:
    """The shop's time in a test's hand."""

    def __init__(self, street: Street) -> None:
        self.now_ms = street.house.now_ms()
        street.house.unix_ms = lambda: self.now_ms

    def pass_s(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@pytest.fixture
def clock(street: Street) -> Clock:
    return Clock(street)


async def asked(street: Street, agent: str = "Studio PC") -> dict[str, Any]:
    answer = await street.nobody.ask("POST", "/api/pairings", {"agent": agent})
    assert answer.status == 201
    return dict(answer.body)


async def polled(street: Street, pairing: dict[str, Any]) -> Answer:
    return await street.nobody.ask("POST", "/api/pairings/token", {"device_code": pairing["device_code"]})


async def paired(street: Street, studio: str = "st-one") -> str:
    """A credential of the studio's."""
    pairing, seller = await asked(street), await street.signed_in("seller")
    approved = await seller.ask("POST", APPROVE, {"user_code": pairing["user_code"], "studio": studio})
    assert approved.status == 200, approved.body
    return str((await polled(street, pairing)).body["credential"])


async def renewed(street: Street, credential: str) -> Answer:
    return await street.nobody.ask("POST", "/api/pairings/renewal", {"credential": credential})


async def acts(street: Street) -> list[tuple[str, str]]:
    async with street.house.books.read() as tx:
        return [(row.act, row.actor) for row in await tx.execute(select(audit).order_by(audit.c.id))]


async def test_a_device_is_let_in_by_the_code_that_it_shows(street: Street, relay: str, clock: Clock) -> None:
    pairing, seller = await asked(street), await street.signed_in("seller")
    assert pairing["verification_uri"] == f"{street.house.settings.origin}/pair"
    assert pairing["expires_at"] == clock.now_ms + LIFE_SECONDS * 1000
    waits = await polled(street, pairing)
    assert (waits.status, waits.body["code"]) == (409, "PairingPending")
    assert waits.headers["Retry-After"] == str(INTERVAL_SECONDS)
    typed = pairing["user_code"].lower().replace("-", " ")
    seen = await seller.ask("POST", LOOK, {"user_code": typed})
    assert (seen.body["agent"], seen.body["source"]) == ("Studio PC", "127.0.0.1")
    approved = await seller.ask("POST", APPROVE, {"user_code": typed, "studio": "st-one"})
    assert approved.body == {"id": "st-one", "name": "Studio one"}
    clock.pass_s(INTERVAL_SECONDS)
    collected = await polled(street, pairing)
    assert collected.body["studio"] == approved.body
    assert (await polled(street, pairing)).body["code"] == "UnknownPairing"  # told once
    await register(street.house.redis, "relay-1", relay, clock.now_ms)  # it lives on
    street.house.relays.forget()
    access = (await renewed(street, collected.body["credential"])).body
    assert access["whip"] == f"{relay}/whip/st-one"
    claims = jwt.decode(access["token"], options={"verify_signature": False})
    assert (claims["role"], claims["studio"], claims["gen"]) == ("publish", "st-one", 1)
    assert claims["exp"] == clock.now_ms // 1000 + PAIRED_SECONDS
    (studio,) = (await seller.get("/api/merchant/studios")).body["studios"]
    assert [one["agent"] for one in studio["pairings"]] == ["Studio PC"]
    (_, by), (_, studio_itself) = await acts(street)
    assert by.startswith("staff:")
    assert studio_itself == "studio:st-one"


async def test_a_device_may_bring_a_new_studio_along(street: Street) -> None:
    pairing, seller = await asked(street), await street.signed_in("seller")
    body = {"user_code": pairing["user_code"], "name": "Loft"}
    made = await seller.ask("POST", APPROVE, body)
    assert made.body["name"] == "Loft"
    assert (await polled(street, pairing)).body["studio"] == made.body
    assert len((await seller.get("/api/merchant/studios")).body["studios"]) == 2


async def test_a_device_that_asks_too_often_is_slowed_down(street: Street, clock: Clock) -> None:
    pairing = await asked(street)
    assert (await polled(street, pairing)).body["code"] == "PairingPending"
    clock.pass_s(1)
    early = await polled(street, pairing)
    assert (early.status, early.body["code"], early.body["interval"]) == (429, "SlowDown", 10)
    clock.pass_s(INTERVAL_SECONDS)
    assert (await polled(street, pairing)).body["interval"] == 15
    clock.pass_s(15)
    assert (await polled(street, pairing)).body["code"] == "PairingPending"


async def test_a_code_outlives_its_time_nowhere(street: Street) -> None:
    await asked(street)
    kept = [key async for key in street.house.redis.scan_iter("pairing:*")]
    lives = {key: await street.house.redis.ttl(key) for key in kept if key != b"pairing:waiting"}
    assert len(lives) == 2
    assert all(0 < life <= LIFE_SECONDS for life in lives.values())


async def test_a_device_that_was_sent_away_hears_it(street: Street) -> None:
    pairing, seller = await asked(street), await street.signed_in("seller")
    assert (await seller.ask("POST", DENY, {"user_code": pairing["user_code"]})).status == 204
    denied = await polled(street, pairing)
    assert (denied.status, denied.body["code"]) == (403, "PairingDenied")
    body = {"user_code": pairing["user_code"], "studio": "st-one"}
    assert (await seller.ask("POST", APPROVE, body)).body["code"] == "UnknownPairing"


async def test_codes_are_guessed_ten_times_at_most(street: Street) -> None:
    seller, pairing = await street.signed_in("seller"), await asked(street)
    wrong = [await seller.ask("POST", LOOK, {"user_code": "BBBBBBBB"}) for _ in range(11)]
    assert [answer.body["code"] for answer in wrong] == ["UnknownPairing"] * 10 + ["RateLimited"]
    right = await seller.ask("POST", LOOK, {"user_code": pairing["user_code"]})
    assert right.body["code"] == "RateLimited"


async def test_one_source_asks_for_few_codes(street: Street) -> None:
    answers = [await street.nobody.ask("POST", "/api/pairings", {"agent": "x"}) for _ in range(12)]
    assert [answer.status for answer in answers].count(429) >= 1


async def test_a_device_is_let_into_ones_own_studio_alone(street: Street) -> None:
    pairing, seller = await asked(street), await street.signed_in("seller")
    body = {"user_code": pairing["user_code"], "studio": "st-two"}
    refused = await seller.ask("POST", APPROVE, body)
    assert (refused.status, refused.body["code"]) == (404, "UnknownStudio")
    host = await street.signed_in("host")
    assert (await host.ask("POST", LOOK, {"user_code": pairing["user_code"]})).body["code"] == "Forbidden"


async def test_a_credential_counts_until_the_next_one_is_used(street: Street, relay: str) -> None:
    first = await paired(street)
    lost = (await renewed(street, first)).body["credential"]
    second = (await renewed(street, first)).body["credential"]  # the answer before got lost on its way
    assert (await renewed(street, lost)).body["code"] == "PairingVoid"
    third = (await renewed(street, second)).body["credential"]
    assert (await renewed(street, first)).body["code"] == "PairingVoid"
    assert (await renewed(street, third)).status == 200


async def test_the_books_hold_no_credential(street: Street, relay: str) -> None:
    credential = await paired(street)
    async with street.house.books.read() as tx:
        kept = repr((await tx.execute(select(studio_pairings))).all())
    assert credential not in kept
    assert "st-one" in kept


async def test_a_revoked_studio_renews_nothing(street: Street, relay: str) -> None:
    seller, credential = await street.signed_in("seller"), await paired(street)
    waiting = await asked(street, "late")
    body = {"user_code": waiting["user_code"], "studio": "st-one"}
    assert (await seller.ask("POST", APPROVE, body)).status == 200
    assert (await seller.post("/api/merchant/studios/st-one/revoke")).status == 200
    void = await renewed(street, credential)
    assert (void.status, void.body["code"]) == (401, "PairingVoid")
    assert (await polled(street, waiting)).body["code"] == "UnknownPairing"
    (studio,) = (await seller.get("/api/merchant/studios")).body["studios"]
    assert studio["pairings"] == []


async def test_an_agent_that_was_away_for_long_is_paired_anew(street: Street, clock: Clock) -> None:
    credential = await paired(street)
    clock.pass_s(IDLE_MS / 1000 + 1)
    await register(street.house.redis, "relay-1", "http://relay.test", clock.now_ms)
    assert (await renewed(street, credential)).body["code"] == "PairingVoid"


async def test_without_a_relay_a_credential_is_not_used_up(street: Street) -> None:
    credential = await paired(street)
    assert (await renewed(street, credential)).body["code"] == "NoRelay"
    await register(street.house.redis, "relay-1", "http://relay.test", street.house.now_ms())
    street.house.relays.forget()
    assert (await renewed(street, credential)).status == 200


@pytest.mark.parametrize("kind", ["seller", "rival"])
async def test_a_pairing_shows_in_its_merchants_list_alone(street: Street, kind: str) -> None:
    await paired(street)
    caller: Caller = await street.signed_in(kind)
    studios = (await caller.get("/api/merchant/studios")).body["studios"]
    assert sum(len(studio["pairings"]) for studio in studios) == (kind == "seller")


def test_a_code_is_read_as_it_is_shown() -> None:
    code = new_code()
    assert set(code) <= set(LETTERS)
    assert as_typed(shown(code)) == as_typed(f" {shown(code).lower()} ") == code
