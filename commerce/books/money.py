"""Integer minor units: what an order costs, how to split a sum, how people write it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SIGNS: Final = {"CNY": "¥", "USD": "$", "EUR": "€", "RUB": "₽", "KZT": "₸", "INR": "₹", "AZN": "₼"}
DIGITS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "KWD": 3, "BHD": 3, "OMR": 3, "TND": 3}


@dataclass(frozen=True, slots=True)
class Amounts:
    """What an order costs, in minor units: goods + freight + tax − discount = total."""

    goods: int
    freight: int
    tax: int
    discount: int
    total: int
    currency: str


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weights with the largest-remainder method; the earlier wins a tie.

    A negative amount is split like the positive one. Raises ValueError for weights below zero or all zero.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights are at or above zero and not all zero")
    whole = abs(amount)
    parts = [whole * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return parts if amount >= 0 else [-part for part in parts]


def exact(amount: int, currency: str) -> str:
    """A plain decimal for machines and spreadsheets: 99.60 (ISO 4217 decides how many digits)."""
    digits = DIGITS.get(currency, 2)
    if not digits:
        return str(amount)
    whole, part = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{part:0{digits}}"


def written(amount: int, currency: str, language: str) -> str:
    """Minor units as people write them: ¥1,234.50 · 1 234,50 ₽."""
    if amount < 0:
        return f"\N{MINUS SIGN}{written(-amount, currency, language)}"
    whole, _, part = exact(amount, currency).partition(".")
    sign = SIGNS.get(currency, currency)
    if language == "ru":
        grouped = f"{int(whole):,}".replace(",", "\N{NO-BREAK SPACE}")
        return f"{grouped}{',' if part else ''}{part}\N{NO-BREAK SPACE}{sign}"
    gap = "" if currency in SIGNS else "\N{NO-BREAK SPACE}"
    return f"{sign}{gap}{int(whole):,}{'.' if part else ''}{part}"
