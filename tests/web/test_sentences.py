"""What a page may be refused has a sentence in English; that all catalogues have it is a test in Node."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from commerce.api.problems import CODES
from commerce.show import refusals

ENGLISH: Final = (Path(__file__).parents[2] / "web/strings/en.js").read_text()
# No page of ours asks for what these answer: studios' programs, payment firms and mistyped addresses do.
OF_PROGRAMS: Final = {
    "WrongSignature", "UnknownPath", "PairingPending", "PairingDenied", "PairingVoid", "SlowDown",
    "UnknownPayment", "UnknownProvider", "NoticeDiffers", "WrongMethod", "WrongContentType", "AmountDiffers",
}  # fmt: skip
# Ids are made by the shop: two alike are its mistake, and the page says no more than that.
NEVER: Final = {"OfferExists", "OrderExists"}


def test_every_refusal_that_a_person_may_meet_has_a_sentence() -> None:
    codes = set(CODES) | {kind.__name__ for kind in refusals.Refusal.__subclasses__()}
    codes -= {"OrderIsPaid", "Misshapen"}  # under the names OrderPaid and Malformed
    said = set(re.findall(r'^  "error\.(\w+)":', ENGLISH, re.MULTILINE))
    assert codes - said == OF_PROGRAMS | NEVER
