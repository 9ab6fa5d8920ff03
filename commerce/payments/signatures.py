"""Signed messages between shop and sandbox bank: HMAC-SHA256 over `timestamp.body`. Pure.

The header is `t=<Unix seconds>,v1=<hex>`. A message older or newer than the tolerance is refused whatever its
signature, so that a recorded one cannot be played later; a repeat within it meets the shop's idempotency.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

HEADER: Final = "silkcast-bank-signature"
TOLERANCE_SECONDS: Final = 300
SHAPE: Final = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, now_s: float) -> str:
    """The header for a body sent now."""
    stamp = str(int(now_s))
    return f"t={stamp},v1={_digest(secret, stamp, body)}"


def why_wrong(secret: bytes, header: str, body: bytes, now_s: float) -> str | None:
    """None when the header was made for this body with this secret within the tolerance; else the reason."""
    shaped = SHAPE.fullmatch(header)
    if shaped is None:
        return "no signature of our shape"
    stamp, given = shaped.groups()
    if not hmac.compare_digest(given, _digest(secret, stamp, body)):
        return "wrong signature"
    if abs(now_s - int(stamp)) > TOLERANCE_SECONDS:
        return "outside the tolerance of time"
    return None


def _digest(secret: bytes, stamp: str, body: bytes) -> str:
    return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
