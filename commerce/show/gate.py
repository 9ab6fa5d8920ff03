"""The gate's measures: what a field of a command may be. Each check hands the value on or raises Malformed.

Knows the nouns and their limits, no command.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from commerce.show.language import (
    CODECS,
    MAX_AMOUNT,
    MAX_ID_CHARS,
    MAX_LINES,
    MAX_OFFERS,
    MAX_TEXT_CHARS,
    MAX_UNITS,
    OrderLine,
    SkuLine,
    Title,
)


class Malformed(ValueError):
    """The command has a field that is missing, unknown or not sane; the message names it."""


ID: Final = re.compile(rf"[!-~]{{1,{MAX_ID_CHARS}}}")
THREE_IDS: Final = re.compile(" ".join(3 * [ID.pattern]))
CURRENCY: Final = re.compile(r"[A-Z]{3}")
LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def an_id(value: Any) -> str:
    """An id of 1 to 64 printable characters without a space."""
    if type(value) is str and ID.fullmatch(value):
        return value
    raise Malformed("is no id")


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A check for whole numbers from `least` to `most`."""

    def check(value: Any) -> int:
        if type(value) is int and least <= value <= most:
            return value
        raise Malformed(f"is no whole number from {least} to {most}")

    return check


def or_none(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The check, or None."""
    return lambda value: None if value is None else check(value)


def text(value: Any) -> str:
    """Printable text."""
    if type(value) is str and 0 < len(value) <= MAX_TEXT_CHARS and value.isprintable():
        return value
    raise Malformed(f"is no text of 1 to {MAX_TEXT_CHARS} printable characters")


def title(value: Any) -> Title:
    """A map of language to text."""
    if type(value) is not dict or not 1 <= len(value) <= 20:
        raise Malformed("is no map of language to text")
    for language, words in value.items():
        if type(language) is not str or not LANGUAGE.fullmatch(language):
            raise Malformed("has a language that is none")
        text(words)
    return dict(value)


def truth(value: Any) -> bool:
    """True or False."""
    if type(value) is bool:
        return value
    raise Malformed("is neither true nor false")


def currency(value: Any) -> str:
    """A code of ISO 4217."""
    if type(value) is str and CURRENCY.fullmatch(value):
        return value
    raise Malformed("is no currency code of ISO 4217")


def codec(value: Any) -> str:
    """What a picture can be sent in."""
    if value in CODECS:
        return str(value)
    raise Malformed(f"is none of {', '.join(CODECS)}")


def outcome(value: Any) -> str:
    """What a payment firm may say."""
    if value in ("succeeded", "failed", "unknown"):
        return str(value)
    raise Malformed("is none of succeeded, failed, unknown")


amount: Final = whole(0, MAX_AMOUNT)
units: Final = whole(1, MAX_UNITS)


def a_list(value: Any, most: int) -> list[Any] | tuple[Any, ...]:
    """A list of at most so many."""
    if isinstance(value, list | tuple) and len(value) <= most:
        return value
    raise Malformed(f"is no list of at most {most}")


def sku_lines(value: Any) -> tuple[SkuLine, ...]:
    """Lines of an offer: each SKU once."""
    lines = tuple(
        SkuLine(an_id(line["sku"]), units(line["units"])) for line in maps(value, {"sku", "units"}, MAX_LINES)
    )
    if not lines or len({line.sku for line in lines}) != len(lines):
        raise Malformed("needs at least one SKU, each once")
    return lines


def order_lines(value: Any) -> tuple[OrderLine, ...]:
    """Lines of an order."""
    # More lines than MAX_LINES are a refusal of the shop (TooManyLines), so the gate is wider.
    lines = tuple(
        OrderLine(an_id(line["offer"]), units(line["quantity"]), amount(line["price"]))
        for line in maps(value, {"offer", "quantity", "price"}, 20 * MAX_LINES)
    )
    if not lines:
        raise Malformed("needs at least one line")
    return lines


def maps(value: Any, keys: set[str], most: int) -> list[dict[str, Any]]:
    """A list of maps with exactly these keys."""
    lines = list(a_list(value, most))
    for line in lines:
        if type(line) is not dict or line.keys() != keys:
            raise Malformed(f"has a line that is no map of {', '.join(sorted(keys))}")
    return lines


def offers(value: Any) -> tuple[str, ...]:
    """Offer ids."""
    return tuple(an_id(offer) for offer in a_list(value, MAX_OFFERS))
