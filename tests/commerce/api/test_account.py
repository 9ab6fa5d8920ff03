"""One's own account over HTTP: the second factor from enrolment to its end, the password, the sessions."""

from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ET
from typing import Any

import pyotp
import pytest
from sqlalchemy import select, update

from commerce.books import accounts
from commerce.books.tables import accounts as account_rows
from commerce.books.tables import audit
from tests.commerce.api.street import PASSWORD, Answer, Caller, Street

STEP_MS = 30_000


class Phone:
    """An authenticator app, and the clock that it shares with the shop."""

    def __init__(self, street: Street) -> None:
        self.now_ms = street.house.now_ms() // STEP_MS * STEP_MS
        street.house.unix_ms = lambda: self.now_ms
        self.secret = ""

    def code(self) -> str:
        """The code of the next half minute, which is then now."""
        self.now_ms += STEP_MS
        return pyotp.TOTP(self.secret).at(self.now_ms // 1000)


@pytest.fixture
def phone(street: Street) -> Phone:
    return Phone(street)


async def sign_in(street: Street, **more: Any) -> Answer:
    body = {"name": "seller", "password": PASSWORD, **more}
    return await street.nobody.ask("POST", "/api/sessions", body)


async def switched_on(street: Street, phone: Phone) -> tuple[Caller, list[str]]:
    """The seller after switching the second factor on, and the recovery codes."""
    seller = Caller(street.http, street.origin, (await sign_in(street)).body["token"])
    enrolled = await seller.ask("POST", "/api/account/second-factor", {"password": PASSWORD})
    assert enrolled.status == 201
    phone.secret = enrolled.body["secret"]
    confirmed = await seller.ask("POST", "/api/account/second-factor/confirm", {"code": phone.code()})
    assert confirmed.status == 200
    return Caller(street.http, street.origin, confirmed.body["token"]), confirmed.body["recovery_codes"]


async def test_an_enrolment_shows_its_secret_as_uri_and_as_a_picture(street: Street, phone: Phone) -> None:
    seller = Caller(street.http, street.origin, (await sign_in(street)).body["token"])
    body = (await seller.ask("POST", "/api/account/second-factor", {"password": PASSWORD})).body
    assert body["otpauth"] == pyotp.TOTP(body["secret"], name="seller", issuer="Silkcast").provisioning_uri()
    picture = ET.fromstring(body["qr"])
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    assert picture.attrib["viewBox"]
    assert body["expires_at"] > phone.now_ms
    assert (await seller.get("/api/account/security")).body["second_factor"] is False


async def test_signing_in_takes_a_second_step(street: Street, phone: Phone) -> None:
    seller, codes = await switched_on(street, phone)
    security = (await seller.get("/api/account/security")).body
    assert security == {"second_factor": True, "since": phone.now_ms, "recovery_codes": 10}
    assert (await sign_in(street)).body["code"] == "CodeNeeded"
    assert (await sign_in(street, password="wrong")).body["code"] == "WrongPassword"
    code = phone.code()
    assert (await sign_in(street, code=code)).status == 201
    assert (await sign_in(street, code=code)).body["code"] == "WrongCode"
    assert (await sign_in(street, code=codes[0])).status == 201
    assert (await sign_in(street, code=codes[0])).body["code"] == "WrongCode"
    acts = [act for act, _ in await trail(street)]
    on, signed_in, wrong = "SwitchSecondFactorOn", "SignedIn", "WrongCode"
    assert acts == [signed_in, on, signed_in, wrong, "UseRecoveryCode", signed_in, wrong]


async def trail(street: Street) -> list[tuple[str, dict[str, Any]]]:
    async with street.house.books.read() as tx:
        return [(row.act, row.details) for row in await tx.execute(select(audit).order_by(audit.c.id))]


async def test_codes_are_guessed_five_times_at_most_also_at_once(street: Street, phone: Phone) -> None:
    await switched_on(street, phone)
    wrong = "000000" if phone.code() != "000000" else "000001"
    answers = await asyncio.gather(*(sign_in(street, code=wrong) for _ in range(8)))
    codes = sorted(answer.body["code"] for answer in answers)
    assert codes == ["RateLimited"] * 3 + ["WrongCode"] * 5
    right = await sign_in(street, code=phone.code())
    assert (right.status, right.body["code"]) == (429, "RateLimited")
    assert int(right.headers["Retry-After"]) > 60


async def test_switching_on_ends_every_other_session(street: Street, phone: Phone) -> None:
    elsewhere = Caller(street.http, street.origin, (await sign_in(street)).body["token"])
    assert (await elsewhere.get("/api/sessions")).status == 200
    seller, _ = await switched_on(street, phone)
    assert (await elsewhere.get("/api/sessions")).status == 401
    assert (await seller.get("/api/sessions")).status == 200


async def test_taking_it_off_needs_a_code(street: Street, phone: Phone) -> None:
    seller, codes = await switched_on(street, phone)
    path = "/api/account/second-factor/off"
    assert (await seller.ask("POST", path, {"code": "zzzzz-zzzzz"})).body["code"] == "WrongCode"
    off = await seller.ask("POST", path, {"code": codes[3]})
    assert off.status == 200
    assert (await seller.get("/api/sessions")).status == 401
    assert (await sign_in(street)).status == 201
    again = Caller(street.http, street.origin, off.body["token"])
    assert (await again.ask("POST", path, {"code": codes[4]})).body["code"] == "NoSecondFactor"


async def test_recovery_codes_are_renewed_by_a_code(street: Street, phone: Phone) -> None:
    seller, codes = await switched_on(street, phone)
    path = "/api/account/second-factor/codes"
    fresh = (await seller.ask("POST", path, {"code": phone.code()})).body["recovery_codes"]
    assert len(set(fresh) | set(codes)) == 20
    assert (await sign_in(street, code=codes[0])).body["code"] == "WrongCode"
    assert (await sign_in(street, code=fresh[0])).status == 201


async def test_a_factor_that_stands_is_not_replaced(street: Street, phone: Phone) -> None:
    seller, _ = await switched_on(street, phone)
    again = await seller.ask("POST", "/api/account/second-factor", {"password": PASSWORD})
    assert (again.status, again.body["code"]) == (409, "SecondFactorStands")


async def test_an_enrolment_wants_the_password(street: Street) -> None:
    seller = await street.signed_in("seller")
    refused = await seller.ask("POST", "/api/account/second-factor", {"password": "wrong"})
    assert (refused.status, refused.body["code"]) == (401, "WrongPassword")


async def test_another_password_ends_every_other_session(street: Street, phone: Phone) -> None:
    seller, codes = await switched_on(street, phone)
    change = {"password": PASSWORD, "new_password": "a better password"}
    assert (await seller.ask("POST", "/api/account/password", change)).body["code"] == "CodeNeeded"
    changed = await seller.ask("POST", "/api/account/password", {**change, "code": codes[0]})
    assert changed.status == 200
    assert (await seller.get("/api/sessions")).status == 401
    assert (await sign_in(street, code=codes[1])).body["code"] == "WrongPassword"
    assert (await sign_in(street, password="a better password", code=codes[1])).status == 201
    short = {**change, "new_password": "short"}
    fresh = Caller(street.http, street.origin, changed.body["token"])
    assert (await fresh.ask("POST", "/api/account/password", short)).body["code"] == "Malformed"


async def test_signing_in_ends_the_session_that_one_came_with(street: Street) -> None:
    first = Caller(street.http, street.origin, (await sign_in(street)).body["token"])
    second = await first.ask("POST", "/api/sessions", {"name": "seller", "password": PASSWORD})
    assert second.status == 201
    assert second.body["token"] != first.token
    assert (await first.get("/api/sessions")).status == 401


async def test_a_session_is_worth_no_more_than_its_account(street: Street) -> None:
    seller, host = await street.signed_in("seller"), await street.signed_in("host")
    async with street.house.books.begin() as tx:
        one = (await tx.execute(select(account_rows).where(account_rows.c.name == "seller"))).one()
        await accounts.disable_account(tx, one.id, 1)
        await tx.execute(
            update(account_rows).where(account_rows.c.name == "host").values(merchant_id="mr-two")
        )
    assert (await seller.get("/api/sessions")).status == 401
    assert (await host.get("/api/sessions")).body["account"]["merchant"] == "mr-two"
