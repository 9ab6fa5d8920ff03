"""The routes by which one becomes somebody, and looks after who one is. A part of `table.py`."""

from __future__ import annotations

from typing import Final

from commerce.api import access, answered, asked
from commerce.api.routes import Access, Route, says

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
        cost=5,
        problems=("WrongPassword",),
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
)
