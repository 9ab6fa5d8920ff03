"""The routes by which a studio's agent is let in, renewed and shut out. A part of `table.py`."""

from __future__ import annotations

from typing import Final

from commerce.api import answered, answered_access, asked, pairing
from commerce.api.routes import Access, Route, says

PAIRINGS: Final = "/api/pairings"
MERCHANT: Final = "/api/merchant"

PAIRING: Final = (
    Route(
        "POST",
        PAIRINGS,
        pairing.ask_pairing,
        says(pairing.ask_pairing),
        takes=asked.NewPairing,
        gives=answered_access.PairingAsked,
        status=201,
        cost=5,
    ),
    Route(
        "POST",
        f"{PAIRINGS}/token",
        pairing.collect_pairing,
        says(pairing.collect_pairing),
        takes=asked.DeviceCode,
        gives=answered_access.Paired,
        problems=("UnknownPairing", "PairingPending", "PairingDenied", "SlowDown"),
    ),
    Route(
        "POST",
        f"{PAIRINGS}/renewal",
        pairing.renew_pairing,
        says(pairing.renew_pairing),
        takes=asked.Credential,
        gives=answered_access.StudioAccess,
        cost=5,
        problems=("PairingVoid", "NoRelay"),
    ),
    Route(
        "POST",
        f"{MERCHANT}/pairings/look",
        pairing.look_at_pairing,
        says(pairing.look_at_pairing),
        Access.MERCHANT,
        takes=asked.UserCode,
        gives=answered_access.PairingSeen,
        cost=5,
        problems=("UnknownPairing",),
    ),
    Route(
        "POST",
        f"{MERCHANT}/pairings/approve",
        pairing.approve_pairing,
        says(pairing.approve_pairing),
        Access.MERCHANT,
        takes=asked.PairingChoice,
        query=asked.MerchantQuery,
        gives=answered.Studio,
        cost=5,
        problems=("UnknownPairing", "UnknownStudio"),
    ),
    Route(
        "POST",
        f"{MERCHANT}/pairings/deny",
        pairing.deny_pairing,
        says(pairing.deny_pairing),
        Access.MERCHANT,
        takes=asked.UserCode,
        query=asked.MerchantQuery,
        status=204,
        cost=5,
        problems=("UnknownPairing",),
    ),
    Route(
        "POST",
        f"{MERCHANT}/studios/{{studio}}/revoke",
        pairing.revoke_studio,
        says(pairing.revoke_studio),
        Access.MERCHANT,
        takes=asked.Nothing,
        query=asked.MerchantQuery,
        gives=answered.Studio,
        problems=("UnknownStudio",),
    ),
)
