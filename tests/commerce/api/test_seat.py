"""Seats: the least loaded living relay, a short token that relays accept, no seat before the show."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import jwt
import pytest

from commerce.api.seat import choose
from commerce.api.turn import Turn
from commerce.settings import ShopSettings, WrongSetting, read
from streaming.contract import RELAYS_KEY, AudienceCounted, RelayEntry, RelayId, ShowId, TokenClaims
from tests.commerce.api.listening import listening
from tests.commerce.api.registry import register, tell
from tests.commerce.api.street import Street

NOW = 1_000_000


def relay(name: str, load: float, *shows: str, seen_ms: int = NOW, **more: Any) -> RelayEntry:
    at = tuple([ShowId(show) for show in shows])
    return RelayEntry(RelayId(name), f"http://{name}.test", seen_ms, 0, load, at, **more)


@pytest.mark.parametrize(
    ("relays", "chosen"),
    [
        ([], None),
        ([relay("idle", 0.0), relay("has", 0.5, "show")], "has"),
        ([relay("idle", 0.1), relay("busy", 0.9, "show")], "idle"),
        ([relay("more", 0.6, "show"), relay("less", 0.2, "show")], "less"),
        ([relay("dead", 0.0, seen_ms=NOW - 3_001), relay("alive", 0.7)], "alive"),
        ([relay("leaving", 0.0, draining=True)], None),
    ],
)
def test_the_best_living_relay_is_chosen(relays: list[RelayEntry], chosen: str | None) -> None:
    found = choose(relays, "show", NOW)
    assert (found.relay if found else None) == chosen


def test_the_relay_that_just_failed_is_the_last_choice() -> None:
    both = [relay("failed", 0.0, "show"), relay("other", 0.9)]
    again = choose(both, "show", NOW, "http://failed.test/whep/show")
    assert again is not None
    assert again.relay == "other"
    assert choose(both[:1], "show", NOW, "http://failed.test") is both[0]


def test_a_thousand_who_come_at_once_are_spread_by_load() -> None:
    relays = [relay("one", 0.10, "show"), relay("two", 0.30, "show"), relay("three", 0.0)]
    given: dict[str, int] = {}
    for _ in range(1_000):
        found = choose(relays, "show", NOW, None, given)
        assert found is not None
        given[found.relay] = given.get(found.relay, 0) + 1
    assert given == {"one": 700, "two": 300}  # 0.45 each; the third would have to pull the show first
    busy = [relay("one", 0.79, "show"), relay("three", 0.2)]
    found = choose(busy, "show", NOW, None, {"one": 30})
    assert found is not None
    assert found.relay == "three"


async def on_air(street: Street) -> str:
    show, _ = await street.open_show()
    host = await street.signed_in("host")
    assert (await host.post(f"/api/host/shows/{show}/on-air", {"studio": "st-one"})).status == 200
    return show


async def test_a_seat_is_a_relay_and_a_token_for_this_show(street: Street, relay: str) -> None:
    show, buyer = await on_air(street), await street.buyer()
    seat = (await buyer.post(f"/api/shows/{show}/seat")).body
    assert seat["whep"] == f"{relay}/whep/{show}"
    (key,) = jwt.PyJWKSet.from_dict(street.house.jwks).keys
    claims = TokenClaims.from_jwt(
        jwt.decode(seat["token"], key, algorithms=["EdDSA"], audience="relay", issuer="silkcast")
    )
    assert (claims.role, claims.show, claims.subject) == ("view", show, buyer.id)
    assert claims.expires_s * 1000 - street.house.now_ms() <= 120_000


async def test_a_seat_names_turn_servers_by_credentials_that_expire(street: Street, relay: str) -> None:
    show, buyer = await on_air(street), await street.buyer()
    assert (await buyer.post(f"/api/shows/{show}/seat")).body["ice"] == []
    urls = ("stun:turn.test:3478", "turn:turn.test:3478", "turn:turn.test:3478?transport=tcp")
    street.house.turn = Turn(urls, "s3cret")
    stun, turn = (await buyer.post(f"/api/shows/{show}/seat")).body["ice"]
    assert stun == {"urls": [urls[0]]}
    assert turn["urls"] == list(urls[1:])
    expected = hmac.new(b"s3cret", turn["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn["credential"]) == expected
    assert 0 < int(turn["username"].split(":")[0]) - street.house.now_ms() // 1000 <= 12 * 3_600
    assert buyer.id not in turn["username"]


def test_a_turn_server_without_its_secret_stops_the_start(tmp_path: Path) -> None:
    for wrong in ({"TURN_URLS": "turn:a.test:3478"}, {"TURN_URLS": "http://a.test"}):
        with pytest.raises(WrongSetting, match="TURN_"):
            read(ShopSettings, {"VAR_DIR": str(tmp_path), **wrong})


async def test_there_is_no_seat_before_the_show_is_on_air(street: Street, relay: str) -> None:
    show, _ = await street.open_show()
    answer = await (await street.buyer()).post(f"/api/shows/{show}/seat")
    assert (answer.status, answer.body["code"]) == (409, "NotOnAir")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_without_a_relay_there_is_no_seat(street: Street) -> None:
    show = await on_air(street)
    answer = await (await street.buyer()).post(f"/api/shows/{show}/seat")
    assert (answer.status, answer.body["code"]) == (503, "NoRelay")


async def test_a_studio_gets_a_token_of_its_generation(street: Street, relay: str) -> None:
    seller = await street.signed_in("seller")
    made = (await seller.post("/api/merchant/studios/st-one/token")).body
    assert made["whip"] == f"{relay}/whip/st-one"
    claims = TokenClaims.from_jwt(jwt.decode(made["token"], options={"verify_signature": False}))
    assert (claims.role, claims.studio, claims.generation) == ("publish", "st-one", 1)
    other = await seller.post("/api/merchant/studios/st-two/token")
    assert (other.status, other.body["code"]) == (404, "UnknownStudio")


async def test_the_audience_of_all_relays_is_told(street: Street) -> None:
    show, _ = await street.open_show()
    redis, now = street.house.redis, street.house.now_ms()
    for name in ("one", "two"):
        await register(redis, name, f"http://{name}.test", now)
    async with listening(street.nobody, show) as ear:
        await ear.next()
        for name, viewers in (("one", 3), ("two", 4)):
            await tell(redis, AudienceCounted(ShowId(show), RelayId(name), viewers, now))
        await ear.until("audience", viewers=7)


async def test_a_relay_that_nobody_understands_hides_none_of_the_others(street: Street, relay: str) -> None:
    """One entry of a later version made every request for a seat a mistake of the shop."""
    for name, odd in ((b"garbage", b"\xc1"), (b"later", b"\x82\xa4kind\xa5Magic\xa1a\x01")):
        await street.house.redis.hset(RELAYS_KEY, name, odd)
    street.house.relays.forget()
    assert [one.url for one in await street.house.relays.living()] == [relay]
