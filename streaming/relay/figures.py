"""What a relay takes on, and what it has counted."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What one relay takes on."""

    viewers: int = 2000
    half_open: int = 600
    publishers: int = 64


@dataclass(slots=True)
class Totals:
    """What happened since the start; for /status and /metrics."""

    published: int = 0
    watched: int = 0
    ended: dict[str, int] = field(default_factory=dict)
