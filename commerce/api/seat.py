"""A seat: which relay a viewer goes to, and the short token that admits them there.

With `live/stage.py` the only place of the shop that knows the contract with the relays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from streaming.contract import RelayEntry, ShowId, StudioId, TokenClaims

RELAY_DEAD_MS: Final = 3_000
BUSY_LOAD: Final = 0.8  # above it a relay that would have to pull the show first is the better choice
VIEW_SECONDS: Final = 120  # to open the session with; a session that is open outlives it
SEAT_LOAD: Final = 0.0005  # what one more viewer is taken for until the relay counts it: one of 2000
PULL_SECONDS: Final = 30 * 24 * 3_600  # the file is written anew at each start of a front
PUBLISH_SECONDS: Final = 12 * 3_600  # made by hand, for clients that renew nothing
PAIRED_SECONDS: Final = 3_600  # renewed by a paired agent


def choose(
    relays: Iterable[RelayEntry],
    show: str,
    now_ms: int,
    avoid: str | None = None,
    given: Mapping[str, int] = MappingProxyType({}),
) -> RelayEntry | None:
    """The relay for one more viewer, or None when none lives.

    A live relay that has the show already and is not busy, else the least loaded one. `avoid` (the
    address that just failed the viewer) is taken only when there is no other. `given`: seats that a
    relay's entry cannot know yet, by its id; without them a thousand who come at once sat in one place.
    """
    living = [r for r in relays if now_ms - r.seen_ms <= RELAY_DEAD_MS and not r.draining]

    def rank(relay: RelayEntry) -> tuple[bool, bool, float, int]:
        failed = avoid is not None and (avoid + "/").startswith(relay.url.rstrip("/") + "/")
        coming = given.get(relay.relay, 0)
        load = relay.load + coming * SEAT_LOAD
        return (failed, not (show in relay.shows and load < BUSY_LOAD), load, relay.viewers + coming)

    return min(living, key=rank, default=None)


def view_claims(subject: str, show: str, now_ms: int) -> dict[str, Any]:
    """JWT claims that let one viewer watch one show, if opened soon."""
    expires_s = now_ms // 1000 + VIEW_SECONDS
    return TokenClaims(role="view", subject=subject, expires_s=expires_s, show=ShowId(show)).to_jwt()


def publish_claims(
    studio: str, generation: int, now_ms: int, seconds: int = PUBLISH_SECONDS
) -> dict[str, Any]:
    """JWT claims that let a studio publish until its pairing is raised to another generation."""
    expires_s = now_ms // 1000 + seconds
    return TokenClaims(
        role="publish",
        subject=studio,
        expires_s=expires_s,
        studio=StudioId(studio),
        generation=generation,
    ).to_jwt()


def relay_claims(expires_s: int) -> dict[str, Any]:
    """JWT claims with which an operator's page may read a relay's status."""
    return TokenClaims(role="operate", subject="shop", expires_s=expires_s).to_jwt()


def pull_claims(now_ms: int) -> dict[str, Any]:
    """JWT claims with which a relay may pull any show from the relay that its studio publishes to."""
    expires_s = now_ms // 1000 + PULL_SECONDS
    return TokenClaims(role="relay", subject="relay", expires_s=expires_s).to_jwt()


def whep_url(relay: RelayEntry, show: str) -> str:
    """Where a player sends its offer."""
    return f"{relay.url.rstrip('/')}/whep/{show}"


def whip_url(relay: RelayEntry, studio: str) -> str:
    """Where a studio publishes."""
    return f"{relay.url.rstrip('/')}/whip/{studio}"
