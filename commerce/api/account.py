"""One's own account: the second factor and the password. Whatever changes how one signs in ends all sessions
of the account but the one that changed it, which goes on with a new token.
"""

from __future__ import annotations

import io
from typing import Final

import segno
from msgspec import Struct

from commerce.api import answered, answered_access
from commerce.api.ask import Ask
from commerce.api.asked import PasswordChange, Proof, Reassurance
from commerce.api.problems import Problem
from commerce.api.proof import demand_code_try, demand_password, prove, take_code
from commerce.books import accounts, second_factor
from commerce.live.sessions import CODES

QUIET_ZONE_MODULES: Final = 4  # ISO/IEC 18004


async def read_security(ask: Ask) -> Struct:
    """How one signs in."""
    async with ask.house.books.read() as tx:
        factor = await second_factor.factor_of(tx, ask.who.id)
    if factor is None:
        return answered_access.Security(second_factor=False, since=None, recovery_codes=0)
    return answered_access.Security(
        second_factor=True, since=factor.confirmed_at, recovery_codes=factor.codes_left
    )


async def enrol_second_factor(ask: Ask, body: Reassurance) -> Struct:
    """A secret for an authenticator app; it counts once a code of it was confirmed."""
    house, who = ask.house, ask.who
    await demand_password(ask, body.password)
    async with house.books.begin() as tx:
        secret = await second_factor.enrol(tx, house.books.keyring, who.id, ask.now_ms)
    if isinstance(secret, second_factor.FactorStands):
        raise Problem("SecondFactorStands")
    uri = second_factor.otpauth(secret, who.name)
    expires = ask.now_ms + second_factor.ENROLMENT_MS
    return answered_access.Enrolment(secret=secret, otpauth=uri, qr=qr_of(uri), expires_at=expires)


async def confirm_second_factor(ask: Ask, body: Proof) -> Struct:
    """Switch the second factor on by its first code."""
    house, who = ask.house, ask.who
    await demand_code_try(ask, who)
    async with house.books.begin() as tx:
        codes = await second_factor.confirm(tx, house.books.keyring, who.id, _digits(body.code), ask.now_ms)
        if isinstance(codes, list):
            await house.note_in(tx, ask, "SwitchSecondFactorOn", who.id)
    if isinstance(codes, second_factor.NothingEnrolled):
        raise Problem("NothingEnrolled")
    if isinstance(codes, second_factor.WrongCode):
        raise Problem("WrongCode")
    await house.sessions.forget_tries(CODES, who.id)
    token = await _go_on(ask)
    return answered_access.SecondFactor(recovery_codes=codes, token=token.token, expires_at=token.expires_at)


async def renew_recovery_codes(ask: Ask, body: Proof) -> Struct:
    """Fresh recovery codes; the old ones are void."""
    house, who = ask.house, ask.who
    await _demand_factor(ask)
    await take_code(ask, who, body.code)
    async with house.books.begin() as tx:
        codes = await second_factor.renew_codes(tx, house.books.keyring, who.id)
        await house.note_in(tx, ask, "RenewRecoveryCodes", who.id)
    return answered_access.RecoveryCodes(recovery_codes=codes)


async def switch_second_factor_off(ask: Ask, body: Proof) -> Struct:
    """Take the second factor off; a code of it is needed."""
    house, who = ask.house, ask.who
    await _demand_factor(ask)
    await take_code(ask, who, body.code)
    async with house.books.begin() as tx:
        await second_factor.take_off(tx, who.id)
        await house.note_in(tx, ask, "SwitchSecondFactorOff", who.id)
    return await _go_on(ask)


async def change_password(ask: Ask, body: PasswordChange) -> Struct:
    """Another password; with a second factor a code is needed too."""
    house, who = ask.house, ask.who
    await demand_password(ask, body.password)
    await prove(ask, who, body.code)
    async with house.books.begin() as tx:
        await accounts.change_password(tx, who.id, body.new_password)
        await house.note_in(tx, ask, "ChangePassword", who.id)
    return await _go_on(ask)


def qr_of(text: str) -> str:
    """A QR code as SVG: dark on white whatever the page's colours are, since cameras want it so."""
    drawn = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(drawn, kind="svg", border=QUIET_ZONE_MODULES, light="#fff", xmldecl=False, omitsize=True)
    return drawn.getvalue().decode()


async def _demand_factor(ask: Ask) -> None:
    async with ask.house.books.read() as tx:
        if await second_factor.factor_of(tx, ask.who.id) is None:
            raise Problem("NoSecondFactor")


async def _go_on(ask: Ask) -> answered.Rotated:
    token = await ask.house.open_anew(ask.who)
    return answered.Rotated(token=token, expires_at=ask.now_ms + ask.who.seconds * 1000)


def _digits(code: str) -> str:
    return code.replace(" ", "")
