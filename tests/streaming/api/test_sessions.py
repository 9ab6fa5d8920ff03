"""WHIP and WHEP over HTTP: what is answered to good and to bad requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from streaming.contract import ShowId
from tests.streaming.house import SHOW, STAGE, House, open_house, publish, until
from tests.streaming.offers import VIDEO_CODECS, offer

STANDBY = {**STAGE, "show": "sh-standby", "on_air": False}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, [STAGE, STANDBY]) as opened:
        yield opened


async def call(
    house: House, method: str, path: str, token: str | None = None, **more: Any
) -> aiohttp.ClientResponse:
    headers = dict(more.pop("headers", {}))
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, house.url + path, headers=headers, **more) as response,
    ):
        await response.read()
        return response


async def post(
    house: House, path: str, token: str | None, body: str, **headers: str
) -> aiohttp.ClientResponse:
    sent = {"Content-Type": "application/sdp", **headers}
    return await call(house, "POST", path, token, data=body, headers=sent)


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str]:
    assert response.content_type == "application/problem+json"
    body = await response.json(content_type=None)
    assert set(body) == {"type", "title", "status", "detail", "code"}
    assert body["status"] == response.status
    return response.status, body["code"]


WHIP = "/whip/st-1"


async def test_an_offer_is_answered_with_a_session_of_its_own(house: House) -> None:
    response = await post(house, WHIP, house.publish_token(), offer("sendonly"))
    assert response.status == 201
    assert response.content_type == "application/sdp"
    assert response.headers["Location"].startswith(WHIP + "/")
    etag = response.headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert (await response.text()).startswith("v=0\r\n")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda house: None, (401, "token_refused")),
        (lambda house: "rubbish", (401, "token_refused")),
        (lambda house: house.token("publish", studio="st-1", expires_in=-10), (401, "token_refused")),
        (
            lambda house: house.token("publish", studio="st-1", key=Ed25519PrivateKey.generate()),
            (401, "token_refused"),
        ),
        (lambda house: house.publish_token("st-2"), (403, "token_of_another_place")),
        (lambda house: house.view_token(), (403, "token_of_another_place")),
    ],
    ids=["absent", "rubbish", "expired", "foreign key", "another studio", "another role"],
)
async def test_a_token_that_proves_nothing_opens_nothing(
    house: House, make: Any, expected: tuple[int, str]
) -> None:
    response = await post(house, WHIP, make(house), offer("sendonly"))
    assert await problem(response) == expected
    assert house.process.relay.seated == {}
    if expected[0] == 401:
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_body_of_another_type_is_refused(house: House) -> None:
    response = await post(house, WHIP, house.publish_token(), "{}", **{"Content-Type": "application/json"})
    assert await problem(response) == (415, "wrong_content_type")
    assert response.headers["Accept-Post"] == "application/sdp"


@pytest.mark.parametrize(
    "body", ["", "nonsense", "v=0\r\n", offer("sendonly").replace("a=setup:", "a=setup:x")]
)
async def test_a_malformed_offer_is_refused(house: House, body: str) -> None:
    response = await post(house, WHIP, house.publish_token(), body)
    assert await problem(response) == (400, "malformed_sdp")


async def test_an_endless_offer_is_refused(house: House) -> None:
    response = await post(house, WHIP, house.publish_token(), "v=0\r\n" + "a=x\r\n" * 20_000)
    assert await problem(response) == (413, "too_long")


async def test_bytes_that_are_no_text_are_refused(house: House) -> None:
    sent = {"Content-Type": "application/sdp"}
    response = await call(house, "POST", WHIP, house.publish_token(), data=b"v=0\xff\xfe", headers=sent)
    assert await problem(response) == (400, "malformed_sdp")


async def test_an_offer_without_the_codec_of_the_show_is_refused(house: House) -> None:
    vp8 = "".join(f"{line}\n" for line in VIDEO_CODECS.splitlines()[:4])
    response = await post(house, WHIP, house.publish_token(), offer("sendonly", codecs=vp8))
    assert await problem(response) == (422, "no_common_codec")


@pytest.mark.parametrize("show", ["sh-standby", "sh-unknown"])
async def test_a_show_that_is_not_on_air_says_when_to_come_back(house: House, show: str) -> None:
    response = await post(house, f"/whep/{show}", house.view_token(ShowId(show)), offer())
    assert await problem(response) == (409, "off_air")
    assert int(response.headers["Retry-After"]) >= 1


async def test_a_relay_without_room_says_when_to_come_back(tmp_path: Path) -> None:
    async with open_house(tmp_path, RELAY_HALF_OPEN_MAX="2") as house:
        for _ in range(2):
            assert (await post(house, WHIP, house.publish_token(), offer("sendonly"))).status == 201
        response = await post(house, WHIP, house.publish_token(), offer("sendonly"))
        assert await problem(response) == (503, "relay_full")
        assert int(response.headers["Retry-After"]) >= 1


async def test_a_session_is_ended_by_its_owner_even_with_an_expired_token(house: House) -> None:
    location = (await post(house, WHIP, house.publish_token(), offer("sendonly"))).headers["Location"]
    expired = house.token("publish", studio="st-1", expires_in=-10)
    assert (await call(house, "DELETE", location, house.publish_token("st-2"))).status == 403
    assert (await call(house, "DELETE", location)).status == 401
    assert (await call(house, "DELETE", location, expired, headers={"If-Match": '"stale"'})).status == 200
    assert house.process.relay.seated == {}
    assert await problem(await call(house, "DELETE", location, expired)) == (404, "unknown_session")


FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
SAME = (
    "a=ice-ufrag:Xy12\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
)
CANDIDATE = "a=candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active\r\na=end-of-candidates\r\n"
OTHER = SAME.replace("Xy12", "Zz99")


@pytest.mark.parametrize("match", [None, "*", "etag"])
async def test_trickled_candidates_are_taken_with_any_fitting_match(house: House, match: str | None) -> None:
    opened = await post(house, WHIP, house.publish_token(), offer("sendonly"))
    headers = dict(FRAGMENT)
    if match is not None:
        headers["If-Match"] = opened.headers["ETag"] if match == "etag" else match
    response = await call(
        house,
        "PATCH",
        opened.headers["Location"],
        house.publish_token(),
        data=SAME + CANDIDATE,
        headers=headers,
    )
    assert response.status == 204
    assert "ETag" not in response.headers


async def test_new_credentials_restart_ice_under_a_new_etag(house: House) -> None:
    opened = await post(house, WHIP, house.publish_token(), offer("sendonly"))
    headers = {**FRAGMENT, "If-Match": "*"}
    location, token = opened.headers["Location"], house.publish_token()
    response = await call(house, "PATCH", location, token, data=OTHER, headers=headers)
    assert response.status == 200
    assert response.headers["ETag"] != opened.headers["ETag"]
    assert response.content_type == "application/trickle-ice-sdpfrag"
    assert "a=ice-ufrag:" in await response.text()
    assert (await call(house, "PATCH", location, token, data=OTHER + "\r\n", headers=FRAGMENT)).status == 204
    unnamed = OTHER.replace("Zz99", "Yy88")
    assert (await call(house, "PATCH", location, token, data=unnamed, headers=FRAGMENT)).status == 428
    stale = {**FRAGMENT, "If-Match": opened.headers["ETag"]}
    assert (await call(house, "PATCH", location, token, data=OTHER, headers=stale)).status == 412


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("nonsense", FRAGMENT, (400, "malformed_fragment")),
        (SAME, {"Content-Type": "application/sdp"}, (415, "wrong_content_type")),
    ],
)
async def test_a_wrong_patch_is_refused(
    house: House, body: str, kind: dict[str, str], expected: tuple[int, str]
) -> None:
    opened = await post(house, WHIP, house.publish_token(), offer("sendonly"))
    location = opened.headers["Location"]
    assert (
        await problem(await call(house, "PATCH", location, house.publish_token(), data=body, headers=kind))
        == expected
    )


async def test_a_preflight_needs_no_token_and_may_be_kept(house: House) -> None:
    for path in (WHIP, f"/whep/{SHOW}", f"{WHIP}/some-session"):
        response = await call(house, "OPTIONS", path, headers={"Origin": "https://shop.example"})
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        assert int(response.headers["Access-Control-Max-Age"]) > 0
    place = await call(house, "OPTIONS", WHIP)
    assert place.headers["Accept-Post"] == "application/sdp"


async def test_a_page_of_another_origin_may_read_every_answer(house: House) -> None:
    opened = await post(house, WHIP, house.publish_token(), offer("sendonly"))
    refused = await post(house, WHIP, None, offer("sendonly"))
    for response in (opened, refused):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Location" in response.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_an_endpoint_gives_nothing(house: House, method: str) -> None:
    response = await call(house, method, WHIP)
    assert response.status == 204
    assert response.content_length in (None, 0)


async def test_unknown_paths_and_methods_are_problems_too(house: House) -> None:
    assert await problem(await call(house, "GET", "/nowhere")) == (404, "not_found")
    assert await problem(await call(house, "PUT", WHIP)) == (405, "method_not_allowed")


async def test_the_status_names_what_lives(house: House) -> None:
    studio = await publish(house, width=320, height=180)
    await until(lambda: house.process.relay.shows.programs[SHOW].started)
    status = await (await call(house, "GET", "/status")).json()
    assert status["relay"] == "r-test"
    assert status["feeds"][0]["studio"] == "st-1"
    assert status["programs"][0]["packets"]["video"] > 0
    assert "python" in status["fanout"]
    metrics = await (await call(house, "GET", "/metrics")).text()
    assert "relay_feeds 1.0" in metrics
    assert (await call(house, "GET", "/healthz")).status == 200
    await studio.close()
