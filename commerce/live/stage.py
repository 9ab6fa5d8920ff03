"""The shop's side of the seam with the relays: the stage it wishes, and the facts they tell.

The only module of commerce/live that knows `streaming.contract`. The stage is a desired state under
`{show}:stage` with a hint in a capped stream; facts come as a stream that relays cap.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

import msgspec
import structlog
from redis.asyncio import Redis

from commerce.show.state import State
from streaming.contract import (
    FACTS_KEY,
    PAIRINGS_KEY,
    RELAYS_KEY,
    STAGE_WISHES_KEY,
    Card,
    Fact,
    RelayEntry,
    ShowId,
    Stage,
    StudioId,
    from_wire,
    stage_key,
    to_wire,
)

HINTS_KEPT: Final = 1_000
FACTS_BLOCK_MS: Final = 1_000
RELAY_DEAD_MS: Final = 3_000
CARD_LANGUAGES: Final = ("en", "zh", "ru")  # the first that the title has is burnt into the picture
# ISO 4217: currencies whose minor unit is not a hundredth.
_MINOR_DIGITS: Final = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "KWD": 3,
    "BHD": 3,
    "OMR": 3,
    "TND": 3,
}

_log: Final = structlog.get_logger("stage")
# A relay ignores a stage older than the one it has; so must the key, if two effects ever race.
_WRITE: Final = """
local known = redis.call('GET', KEYS[1])
if known and cmsgpack.unpack(known)['version'] > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""

# Two who revoke at once must not lower what the other raised.
_RAISE: Final = """
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(known) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""


def stage_of(state: State) -> Stage:
    """The picture that a show wants at this version: the feed on air, and a card for the pin."""
    return Stage(
        show=ShowId(state.show),
        version=state.version,
        on_air=state.studio is not None,
        studio=None if state.studio is None else StudioId(state.studio),
        codec=state.codec,
        cards=_cards(state),
    )


def same_picture(one: Stage, other: Stage) -> bool:
    """Whether two stages differ in their version alone."""
    return (one.on_air, one.studio, one.codec, one.cards) == (
        other.on_air,
        other.studio,
        other.codec,
        other.cards,
    )


def _cards(state: State) -> tuple[Card, ...]:
    if state.pin is None:
        return ()
    offer = state.offers[state.pin.offer]
    language = next((name for name in CARD_LANGUAGES if name in offer.title), next(iter(offer.title)))
    return (Card(offer.title[language], price_text(offer.price, state.currency), offer.image),)


def price_text(amount: int, currency: str) -> str:
    """An amount in minor units as burnt-in text, like `12.50 CNY`."""
    digits = _MINOR_DIGITS.get(currency, 2)
    if digits == 0:
        return f"{amount} {currency}".strip()
    whole, part = divmod(amount, 10**digits)
    return f"{whole}.{part:0{digits}} {currency}".strip()


class Stages:
    """Writes stages and reads what relays say, on a redis connection of one's own."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    async def write(self, stage: Stage) -> bool:
        """Wish the stage and hint at it; False when a newer one was wished before.

        What stays on air keeps the moment since when it is: relays count program time from there.
        """
        stage = replace(stage, since_ms=await self._since_ms(stage))
        packed = msgspec.msgpack.encode(to_wire(stage))
        written = await self._redis.eval(_WRITE, 1, stage_key(stage.show), packed, stage.version)
        if written:
            await self._redis.xadd(
                STAGE_WISHES_KEY, {"show": stage.show}, maxlen=HINTS_KEPT, approximate=True
            )
        return bool(written)

    async def _since_ms(self, stage: Stage) -> int:
        if not stage.on_air:
            return 0
        known = await self.read(stage.show)
        if known is not None and known.on_air and known.since_ms:
            return known.since_ms
        seconds, microseconds = await self._redis.time()
        return int(seconds * 1000 + microseconds // 1000)

    async def raise_generation(self, studio: str, generation: int) -> None:
        """From now on relays refuse publish tokens of an older generation, and end who came by one."""
        await self._redis.eval(_RAISE, 1, PAIRINGS_KEY, studio, generation)

    async def read(self, show: str) -> Stage | None:
        """The stage wished last."""
        packed = await self._redis.get(stage_key(ShowId(show)))
        if packed is None:
            return None
        message = from_wire(msgspec.msgpack.decode(packed))
        return message if isinstance(message, Stage) else None

    async def facts(self, after: str = "$") -> AsyncIterator[tuple[str, Fact]]:
        """(entry id, fact) of every relay, for ever; blocks its connection. Illegible ones are logged.

        Raises redis errors when the connection goes: follow again from the last id.
        """
        while True:
            found = await self._redis.xread({FACTS_KEY: after}, count=256, block=FACTS_BLOCK_MS)
            for _, entries in found or ():
                for entry_id, fields in entries:
                    after = entry_id.decode()
                    fact = _fact(fields.get(b"fact", b""))
                    if fact is not None:
                        yield after, fact

    async def relays(self, now_ms: int) -> list[RelayEntry]:
        """The relays seen within three seconds of `now_ms` (Redis time)."""
        found = await self._redis.hgetall(RELAYS_KEY)
        entries = [_message(packed) for packed in found.values()]
        return [
            entry
            for entry in entries
            if isinstance(entry, RelayEntry) and now_ms - entry.seen_ms <= RELAY_DEAD_MS
        ]


def _fact(packed: bytes) -> Fact | None:
    message = _message(packed)
    return None if isinstance(message, Stage | RelayEntry) else message


def _message(packed: bytes) -> Fact | Stage | RelayEntry | None:
    """What a relay wrote; None for what none of ours wrote: it may not hide what the others say."""
    try:
        return from_wire(msgspec.msgpack.decode(packed))
    except (ValueError, TypeError, LookupError) as error:
        _log.warning("illegible word of a relay", error=str(error))
        return None


class Audience:
    """How many watch each show now: the sum of the last counts of its relays."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, tuple[int, int]]] = {}  # show -> relay -> (viewers, at)

    def counted(self, show: str, relay: str, viewers: int, at_ms: int) -> int:
        """Take one relay's count (an older one is ignored) and return the show's new sum."""
        relays = self._counts.setdefault(show, {})
        if at_ms >= relays.get(relay, (0, 0))[1]:
            relays[relay] = (viewers, at_ms)
        return self.viewers(show)

    def forget_relay(self, relay: str) -> None:
        """A relay is gone, and its viewers with it."""
        for relays in self._counts.values():
            relays.pop(relay, None)

    def viewers(self, show: str) -> int:
        """Viewers of the show on all relays."""
        return sum(viewers for viewers, _ in self._counts.get(show, {}).values())
