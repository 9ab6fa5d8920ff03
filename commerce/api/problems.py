"""Errors as they leave the shop: `application/problem+json` (RFC 9457), one table of codes.

A refusal of the show's log keeps its name as `code`; what is not in the table is a 409.
Never knows HTTP headers of a request, nor who asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

PROBLEM_TYPE: Final = "application/problem+json"

# code → (status, title, seconds for Retry-After or None)
CODES: Final[dict[str, tuple[int, str, int | None]]] = {
    "Malformed": (400, "The request cannot be read", None),
    "NotSignedIn": (401, "A valid bearer token is needed", None),
    "WrongPassword": (401, "Name or password is wrong", None),
    "CodeNeeded": (401, "The account has a second factor: its code is needed", None),
    "WrongCode": (401, "The code is wrong, or was used before", None),
    "WrongSignature": (401, "The signature does not fit the body", None),
    "Forbidden": (403, "This is not yours to see or change", None),
    "UnknownPath": (404, "There is nothing here", None),
    "UnknownShow": (404, "There is no such show", None),
    "UnknownOrder": (404, "There is no such order", None),
    "UnknownAccount": (404, "Nobody of the staff has this name", None),
    "UnknownPairing": (404, "No device shows this code, or it waited too long", None),
    "PairingPending": (409, "Nobody has let the device in yet", 5),
    "PairingDenied": (403, "The device was sent away", None),
    "PairingVoid": (401, "The pairing was revoked or is unknown: pair again", None),
    "SlowDown": (429, "The device asks too often", 5),
    "UnknownStudio": (404, "There is no such studio", None),
    "UnknownPayment": (404, "The shop knows no such payment", None),
    "UnknownProvider": (404, "There is no such payment firm", None),
    "NoticeDiffers": (409, "This is not what was asked for", None),
    "NotEnoughStock": (409, "The shelf has fewer", None),
    "WrongMethod": (405, "This address does not take this method", None),
    "NotOnAir": (409, "The show is not on air", 3),
    "TooLarge": (413, "The body is too large", None),
    "WrongContentType": (415, "The body must be application/json", None),
    "KeyReused": (422, "The idempotency key was used with another body", None),
    "RateLimited": (429, "Too many requests", 1),
    "Broken": (500, "The shop made a mistake", None),
    "BankSilent": (502, "The payment firm does not answer", 5),
    "Busy": (503, "The shop is busy", 1),
    "Undecided": (500, "The shop made a mistake over this command", None),
    "TooLate": (503, "The shop could not decide in time", 1),
    "NoRelay": (503, "No relay is free", 2),
    "NoAnswer": (504, "No answer yet: repeat with the same key", 1),
    "NoFonts": (503, "The fonts of papers are absent", 60),
    "OrdersUnderWay": (409, "Orders have yet to arrive", None),
    "VersionDiffers": (409, "The order has changed since", None),
    "WrongState": (409, "That cannot be done with an order in this state", None),
    "TooMuch": (409, "More than is left", None),
    "ReturnOpen": (409, "A return was asked for already", None),
    "NoReturnAsked": (409, "No return was asked for", None),
    "ContactErased": (410, "The person was erased", None),
    # refusals of the shop
    "SoldOut": (409, "Sold out", None),
    "PriceChanged": (409, "The price has changed", None),
    "OverLimit": (409, "More than one buyer may have", None),
    "UnknownOffer": (409, "There is no such offer in the show", None),
    "OfferGone": (409, "The offer was withdrawn", None),
    "ShowNotOpen": (409, "The show is not open", None),
    "OrderPaid": (409, "The order is paid already", None),
    "OrderOver": (409, "The order is over", None),
}
REFUSAL_STATUS: Final = 409


@dataclass
class Problem(Exception):
    """An answer that is no success. `extra` are the fields of the code, shown to the caller."""

    code: str
    detail: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None

    @property
    def status(self) -> int:
        return CODES.get(self.code, (REFUSAL_STATUS,))[0]

    def headers(self) -> dict[str, str]:
        """The headers that belong to the code."""
        wait = self.retry_after_s or CODES.get(self.code, (0, "", None))[2]
        headers = {}
        if wait is not None:
            headers["Retry-After"] = str(max(1, round(wait)))
        if self.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="silkcast"'
        return headers

    def body(self) -> bytes:
        """The JSON of RFC 9457 with the code."""
        title = CODES[self.code][1] if self.code in CODES else words_of(self.code)
        return msgspec.json.encode(
            {
                "type": "about:blank",
                "title": title,
                "status": self.status,
                "code": self.code,
                "detail": self.detail or title,
                **self.extra,
            }
        )


def words_of(code: str) -> str:
    """`OfferExists` → `Offer exists`: a title for a refusal that has none of its own."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in code)
    return spaced.strip().capitalize()
