"""How commands travel to a desk and answers back: one stream entry carries up to 256 of either.

An inbox entry has the fields `front` (whose answers stream) and `commands`, a msgpack list of
`[ticket, actor, key, fingerprint, deadline, trace, name, body]`. An answers entry has the field
`answers`, a msgpack list of `[ticket, version, accepted, body]`. A ticket means something to its
front alone; the same command may come twice (with two tickets) and is decided once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from commerce.live.wire import Entry
from commerce.show import refusals
from commerce.show.refusals import Refusal

COMMANDS_AT_ONCE: Final = 256  # in one inbox entry
DEADLINE_MS: Final = 5_000


class Ask(NamedTuple):
    """One command on its way. `deadline` is Redis time in ms; `trace` goes into logs."""

    ticket: int
    actor: str
    key: str
    fingerprint: str
    deadline: int
    trace: str
    name: str
    body: dict[str, Any]


class Reply(NamedTuple):
    """What the desk answers: `body` is the result of an accepted command, else the refusal's map."""

    ticket: int
    version: int
    accepted: bool
    body: dict[str, Any]


class Letter(NamedTuple):
    """One inbox entry."""

    id: str
    front: str
    asks: list[Ask]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The command took effect in commit `version`; `result` is what the event CommandAccepted says:
    `{"order", "held_until"}` for PlaceOrder, else empty."""

    version: int
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The command did nothing; commit `version` says so."""

    version: int
    refusal: Refusal


Answer: TypeAlias = Accepted | Refused

_encoder: Final = msgspec.msgpack.Encoder()
_asks: Final = msgspec.msgpack.Decoder(list[Ask])
_replies: Final = msgspec.msgpack.Decoder(list[Reply])


class Illegible(ValueError):
    """An entry of the inbox that no front of ours wrote."""


def seal(front: str, asks: Sequence[Ask]) -> dict[str, bytes]:
    """The fields of an inbox entry."""
    return {"front": front.encode(), "commands": _encoder.encode(asks)}


def unseal(entry: Entry) -> Letter:
    """Read an inbox entry. Raises Illegible."""
    try:
        return Letter(entry.id, entry.fields["front"].decode(), _asks.decode(entry.fields["commands"]))
    except (KeyError, ValueError) as error:
        raise Illegible(f"inbox entry {entry.id}: {error}") from None


def seal_replies(replies: Sequence[Reply]) -> bytes:
    """The field `answers` of an answers entry."""
    return _encoder.encode(replies)


def unseal_replies(entry: Entry) -> list[Reply]:
    """Read an answers entry."""
    return _replies.decode(entry.fields["answers"])


def answer(reply: Reply) -> Answer:
    """The reply as a value for whoever asked."""
    if reply.accepted:
        return Accepted(reply.version, reply.body)
    return Refused(reply.version, refusals.from_wire(reply.body))
