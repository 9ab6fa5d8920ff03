"""Integer minor units: what an order costs, and how to split a sum so that its parts make it up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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
