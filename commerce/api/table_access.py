"""The routes by which one becomes somebody, and looks after who one is. A part of `table.py`."""

from __future__ import annotations

from typing import Final

from commerce.api import access, account, answered, answered_access, asked
from commerce.api.routes import Access, Route, says

ACCOUNT: Final = "/api/account"
GUESS: Final = 5  # what a guess at a password or a code takes from the rate limit

ACCESS: Final = (
    Route(
        "POST",
        "/api/buyers",
        access.become_buyer,
        says(access.become_buyer),
        takes=asked.Nothing,
        gives=answered.Buyer,
        status=201,
    ),
    Route(
        "POST",
        "/api/sessions",
        access.open_session,
        says(access.open_session),
        takes=asked.SignIn,
        gives=answered.Session,
        status=201,
        cost=GUESS,
        problems=("WrongPassword", "CodeNeeded", "WrongCode"),
    ),
    Route(
        "GET",
        "/api/sessions",
        access.read_session,
        says(access.read_session),
        Access.STAFF,
        gives=answered.SessionFacts,
    ),
    Route(
        "DELETE",
        "/api/sessions",
        access.end_session,
        says(access.end_session),
        Access.SOMEONE,
        status=204,
    ),
    Route(
        "POST",
        "/api/sessions/rotation",
        access.rotate_token,
        says(access.rotate_token),
        Access.SOMEONE,
        takes=asked.Nothing,
        gives=answered.Rotated,
        status=201,
    ),
    Route(
        "GET",
        f"{ACCOUNT}/security",
        account.read_security,
        says(account.read_security),
        Access.STAFF,
        gives=answered_access.Security,
    ),
    Route(
        "POST",
        f"{ACCOUNT}/second-factor",
        account.enrol_second_factor,
        says(account.enrol_second_factor),
        Access.STAFF,
        takes=asked.Reassurance,
        gives=answered_access.Enrolment,
        status=201,
        cost=GUESS,
        problems=("WrongPassword", "SecondFactorStands"),
    ),
    Route(
        "POST",
        f"{ACCOUNT}/second-factor/confirm",
        account.confirm_second_factor,
        says(account.confirm_second_factor),
        Access.STAFF,
        takes=asked.Proof,
        gives=answered_access.SecondFactor,
        cost=GUESS,
        problems=("WrongCode", "NothingEnrolled"),
    ),
    Route(
        "POST",
        f"{ACCOUNT}/second-factor/codes",
        account.renew_recovery_codes,
        says(account.renew_recovery_codes),
        Access.STAFF,
        takes=asked.Proof,
        gives=answered_access.RecoveryCodes,
        cost=GUESS,
        problems=("WrongCode", "NoSecondFactor"),
    ),
    Route(
        "POST",
        f"{ACCOUNT}/second-factor/off",
        account.switch_second_factor_off,
        says(account.switch_second_factor_off),
        Access.STAFF,
        takes=asked.Proof,
        gives=answered.Rotated,
        cost=GUESS,
        problems=("WrongCode", "NoSecondFactor"),
    ),
    Route(
        "POST",
        f"{ACCOUNT}/password",
        account.change_password,
        says(account.change_password),
        Access.STAFF,
        takes=asked.PasswordChange,
        gives=answered.Rotated,
        cost=GUESS,
        problems=("WrongPassword", "CodeNeeded", "WrongCode"),
    ),
)
