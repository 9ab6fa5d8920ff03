"""What the shop answers about accounts, pairings and the trail. Beside `answered.py`."""

from __future__ import annotations

from typing import Any

from commerce.api.answered import Studio
from commerce.api.kinds import Given


class Security(Given):
    """How one signs in. `since` is when the second factor was switched on, null without one."""

    second_factor: bool
    since: int | None
    recovery_codes: int  # that were not used yet


class Enrolment(Given):
    """`secret` for an authenticator app, in base 32; the same as URI, and as a QR code in SVG."""

    secret: str
    otpauth: str
    qr: str
    expires_at: int


class SecondFactor(Given):
    """The recovery codes, shown once, and the token that goes on: all others of the account have ended."""

    recovery_codes: list[str]
    token: str
    expires_at: int


class RecoveryCodes(Given):
    recovery_codes: list[str]


class PairingAsked(Given):
    """`user_code` is shown with `verification_uri`; `device_code` is asked with, every `interval` seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    expires_at: int
    interval: int


class PairingSeen(Given):
    """A device that waits: what it calls itself, and the address that it asked from."""

    agent: str
    source: str
    asked_at: int
    expires_at: int


class Paired(Given):
    """`credential` is asked for publish tokens with; it changes each time."""

    studio: Studio
    credential: str


class StudioAccess(Given):
    """`whip`: where the studio publishes, with `token` as bearer; `credential` is the next one."""

    whip: str
    token: str
    expires_at: int
    credential: str


class Act(Given):
    """A privileged act: who did what to what; `name` and `merchant` are of the account that acted."""

    number: int
    actor: str
    name: str | None
    merchant: str | None
    act: str
    subject: str
    details: dict[str, Any]
    at: int


class Trail(Given):
    acts: list[Act]
    next: int | None = None


class FactorGone(Given):
    """`account` signs in by its password alone until it has another factor; its sessions have ended."""

    account: str
    sessions: int
