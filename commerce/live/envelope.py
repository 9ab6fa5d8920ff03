"""How commands travel to a desk and answers back: one stream entry carries up to 256 of either.

An inbox entry has the fields `front` (whose answers stream) and `commands`, a msgpack list of
`[ticket, actor, key, fingerprint, deadline, trace, name, body]`; the body is a map, but that of
PlaceOrder may be (and is) the list of its fields' values, less work for both sides. An answers entry has
the field `answers`, a msgpack list of `[ticket, version, accepted, body]`. A ticket means something to its
front alone; the same command may come twice (with two tickets) and is decided once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import msgspec

from commerce.live.wire import Entry
from commerce.show import commands, refusals
from commerce.show.commands import Command, PlaceOrder
from commerce.show.refusals import Refusal

COMMANDS_AT_ONCE: Final = 256  # in one inbox entry
DEADLINE_MS: Final = 5_000


Body = TypeVar("Body")


class Ask(NamedTuple, Generic[Body]):
    """One command on its way. `deadline` is Redis time in ms; `trace` goes into logs. The body is what
    commands.from_wire takes."""

    ticket: int
    actor: str
    key: str
    fingerprint: str
    deadline: int
    trace: str
    name: str
    body: Body


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
    asks: Sequence[Ask[Any]]


@dataclass(slots=True)  # not frozen: one is made for each order, and that is five times the work
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
_orders: Final = msgspec.msgpack.Decoder(list[Ask[PlaceOrder]])
_asks: Final = msgspec.msgpack.Decoder(list[Ask[Any]])
_replies: Final = msgspec.msgpack.Decoder(list[Reply])


class Illegible(ValueError):
    """An entry of the inbox that no front of ours wrote."""


def asked(ticket: int, wish: tuple[str, str, str], deadline: int, trace: str, command: Command) -> Ask[Any]:
    """An ask as it travels; `wish` is (actor, key, fingerprint)."""
    if type(command) is PlaceOrder:
        return tuple.__new__(Ask, (ticket, *wish, deadline, trace, "PlaceOrder", command))  # half the work
    return Ask(ticket, *wish, deadline, trace, *commands.to_wire(command))


def seal(front: str, asks: Sequence[Ask[Any]]) -> dict[str, bytes]:
    """The fields of an inbox entry."""
    return {"front": front.encode(), "commands": _encoder.encode(asks)}


def unseal(entry: Entry) -> Letter:
    """Read an inbox entry. Raises Illegible."""
    try:
        return Letter(entry.id, entry.fields["front"].decode(), _read(entry.fields["commands"]))
    except (KeyError, ValueError) as error:
        raise Illegible(f"inbox entry {entry.id}: {error}") from None


def _read(packed: bytes) -> Sequence[Ask[Any]]:
    try:
        return _orders.decode(packed)  # what comes by the thousand, in one step of C
    except msgspec.ValidationError:
        return [ask._replace(body=_typed(ask.body)) for ask in _asks.decode(packed)]


def _typed(body: Any) -> Any:
    """A body as commands.from_wire takes it, or is not content with it."""
    if type(body) is list:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.convert(body, PlaceOrder)
    return body


def seal_replies(replies: Sequence[Reply]) -> bytes:
    """The field `answers` of an answers entry."""
    return _encoder.encode(replies)


def unseal_replies(entry: Entry) -> list[Reply]:
    """Read an answers entry."""
    return _replies.decode(entry.fields["answers"])


def answer(reply: Reply) -> Answer:
    """The reply as a value for whoever asked."""
    _, version, accepted, body = reply
    if accepted:
        return Accepted(version, body)
    return Refused(version, refusals.from_wire(body))
