"""One's own account over HTTP: the second factor from enrolment to its end, the password, the sessions."""

from __future__ import annotations

import asyncio
import os
import sys
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


# -- a lost phone ------------------------------------------------------------------------------------

RESETS = "/api/operator/second-factor-resets"


async def test_an_operator_lets_somebody_in_again_who_lost_the_phone(street: Street, phone: Phone) -> None:
    seller, codes = await switched_on(street, phone)
    operator = await street.signed_in("operator")
    wish = {"name": "seller", "password": PASSWORD}
    refused = await operator.ask("POST", RESETS, {**wish, "password": "wrong"})
    assert (refused.status, refused.body["code"]) == (401, "WrongPassword")
    assert (await sign_in(street)).body["code"] == "CodeNeeded"
    gone = await operator.ask("POST", RESETS, wish)
    assert (gone.status, gone.body["sessions"]) == (200, 1)
    assert (await seller.get("/api/sessions")).status == 401
    assert (await sign_in(street)).status == 201
    assert (await operator.ask("POST", RESETS, wish)).body["code"] == "NoSecondFactor"
    unknown = await operator.ask("POST", RESETS, {**wish, "name": "nobody"})
    assert (unknown.status, unknown.body["code"]) == (404, "UnknownAccount")
    (line,) = (await operator.get("/api/operator/trail?act=ResetSecondFactor")).body["acts"]
    assert (line["subject"], line["name"]) == (gone.body["account"], "operator")
    again = Caller(street.http, street.origin, (await sign_in(street)).body["token"])
    fresh = await again.ask("POST", "/api/account/second-factor", {"password": PASSWORD})
    assert (fresh.status, fresh.body["secret"] != phone.secret) == (201, True)
    assert (await sign_in(street, code=codes[0])).status == 201  # no factor is on: the code is not asked for


async def test_an_operator_proves_both_factors_and_resets_no_own(street: Street, phone: Phone) -> None:
    operator = await street.signed_in("operator")
    enrolled = await operator.ask("POST", "/api/account/second-factor", {"password": PASSWORD})
    phone.secret = enrolled.body["secret"]
    on = await operator.ask("POST", "/api/account/second-factor/confirm", {"code": phone.code()})
    operator.token = on.body["token"]
    wish = {"name": "seller", "password": PASSWORD}
    assert (await operator.ask("POST", RESETS, wish)).body["code"] == "CodeNeeded"
    assert (await operator.ask("POST", RESETS, {**wish, "code": "zzzzz-zzzzz"})).body["code"] == "WrongCode"
    proven = await operator.ask("POST", RESETS, {**wish, "code": phone.code()})
    assert proven.body["code"] == "NoSecondFactor"  # the seller has none: proof came before
    own = await operator.ask("POST", RESETS, {**wish, "name": "operator", "code": phone.code()})
    assert (own.status, own.body["code"]) == (403, "Forbidden")
    assert (await operator.get("/api/account/security")).body["second_factor"] is True


@pytest.mark.parametrize("name", ["seller", "host"])
async def test_nobody_else_resets_a_second_factor(street: Street, name: str) -> None:
    caller = await street.signed_in(name)
    refused = await caller.ask("POST", RESETS, {"name": "rival", "password": PASSWORD})
    assert (refused.status, refused.body["code"]) == (403, "Forbidden")


async def test_the_last_operator_has_a_way_back_on_the_machine(street: Street, phone: Phone) -> None:
    seller, _ = await switched_on(street, phone)
    done = await on_the_machine(street, "seller")
    assert done == (0, "seller signs in by password alone now; 1 sessions ended.\n")
    street.house._holders.clear()  # what a front remembers for some seconds
    assert (await seller.get("/api/sessions")).status == 401
    assert (await sign_in(street)).status == 201
    assert ("ResetSecondFactor", {}) in await trail(street)
    assert await on_the_machine(street, "seller") == (1, "seller has no second factor.\n")
    assert await on_the_machine(street, "nobody") == (1, "Nobody of the staff is called nobody.\n")


async def on_the_machine(street: Street, name: str) -> tuple[int, str]:
    """What the command answers: its exit code and its sentence."""
    settings = street.house.settings
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "commerce.reset", name,
        env={**os.environ, "REDIS_URL": settings.redis_url, "DATABASE_URL": settings.database_url},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return int(process.returncode or 0), said.decode()
