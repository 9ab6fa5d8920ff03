"""Kinds of fields in the shop's JSON: bounded numbers, bounded texts without control characters.

The patterns end in a look-ahead because `$` alone lets a line feed through in Python.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

END: Final = r"(?![\s\S])"
# C0 and C1 controls, line and paragraph separators, and the marks that turn the direction of text
_UNSEEN: Final = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff"
LINE: Final = rf"^[^{_UNSEEN}]*{END}"
LINES: Final = rf"^(?:[^{_UNSEEN}]|\n)*{END}"

Id = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,63}}{END}", max_length=64)]
Sku = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_./-]{{0,63}}{END}", max_length=64)]
KEY_PATTERN: Final = rf"^[\x21-\x7e]{{1,64}}{END}"
Phrase = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
Name = Annotated[str, Meta(min_length=1, max_length=120, pattern=LINE)]
Phone = Annotated[str, Meta(min_length=4, max_length=32, pattern=rf"^\+?[0-9 ()./-]{{4,31}}{END}")]
Email = Annotated[
    str,
    Meta(
        min_length=6,
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}" + END,
    ),
]
AddressText = Annotated[str, Meta(min_length=3, max_length=500, pattern=LINES)]
Password = Annotated[str, Meta(min_length=1, max_length=256)]
NewPassword = Annotated[str, Meta(min_length=10, max_length=256)]
# a one-time code of six digits, or a recovery code of ten letters and digits, with blanks or a hyphen within
Code = Annotated[str, Meta(min_length=6, max_length=16, pattern=rf"^[0-9A-Za-z -]{{6,16}}{END}")]
Secret = Annotated[str, Meta(min_length=20, max_length=128, pattern=rf"^[A-Za-z0-9_-]+{END}")]
ShortCode = Annotated[str, Meta(min_length=8, max_length=16, pattern=rf"^[A-Za-z -]+{END}")]
Path = Annotated[str, Meta(max_length=300, pattern=rf"^(?:/[A-Za-z0-9_.-]+)*{END}")]

MOST_MINOR_UNITS: Final = 10**12  # far above any sale, far below 2**53 of a browser's numbers
Amount = Annotated[int, Meta(ge=0, le=MOST_MINOR_UNITS)]
Price = Annotated[int, Meta(ge=1, le=10**10)]
Quantity = Annotated[int, Meta(ge=1, le=1_000)]
Units = Annotated[int, Meta(ge=1, le=10_000_000)]
Moment = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]  # Unix ms, up to the year 9999
Ticks = Annotated[int, Meta(ge=0, lt=1 << 32)]  # RTP timestamp at 90 kHz
Currency = Annotated[str, Meta(pattern=rf"^[A-Z]{{3}}{END}", min_length=3, max_length=3)]
TimeZone = Annotated[str, Meta(max_length=64, pattern=rf"^[A-Za-z][A-Za-z0-9_+/-]*{END}")]

# ISO 4217 codes that the pilot area trades in
CURRENCIES: Final = frozenset(
    (
        *("AED", "AMD", "AZN", "BYN", "CNY", "EUR", "GBP", "GEL", "HKD", "INR", "IRR", "JPY", "KGS", "KRW"),
        *("KZT", "LKR", "MNT", "MOP", "MYR", "PKR", "RUB", "SGD", "THB", "TJS", "TMT", "TRY", "TWD", "USD"),
        *("UZS", "VND"),
    )
)

Words = dict[str, str]  # language → text, as the shop answers it


class Asked(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a caller sends: unknown fields are refused."""


class Given(Struct, kw_only=True):
    """What the shop answers."""


class Texts(Asked, omit_defaults=True):
    """A text in one or more languages."""

    en: Phrase | None = None
    zh: Phrase | None = None
    ru: Phrase | None = None

    def __post_init__(self) -> None:
        if self.en is None and self.zh is None and self.ru is None:
            raise ValueError("needs a text in at least one of en, zh, ru")

    def words(self) -> Words:
        """The map of language to text."""
        return {name: text for name in ("en", "zh", "ru") if (text := getattr(self, name)) is not None}


def decode(kind: type[Struct], raw: bytes) -> Struct:
    """Read a JSON body. Raises msgspec.MsgspecError or UnicodeError, whose text is fit for the caller."""
    return msgspec.json.decode(raw, type=kind)
