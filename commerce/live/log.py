"""The log of a show in Redis: how a commit is spelt, written, read and followed (docs/event-log.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from commerce.live import keys
from commerce.live.wire import ALONE, Along, Entry, Underway, Wire
from commerce.show import events
from commerce.show.commit import FORMAT, Commit
from commerce.show.events import CommandAccepted, OfferAdded, OrderPlaced
from commerce.show.evolve import BrokenLog, fold
from commerce.show.state import State

READ_AT_ONCE: Final = 256  # commits in one read
READ_AT_FIRST: Final = 32
EVENTS_AT_ONCE: Final = 20_000
FOLLOW_BLOCK_MS: Final = 1_000

_LINED: Final = frozenset({OrderPlaced, OfferAdded})  # their lines are tuples here and maps on the wire
_ACCEPTED_SCHEMA: Final = events.SCHEMAS[CommandAccepted]
_packer: Final = msgspec.msgpack.Encoder()
_unpacker: Final = msgspec.msgpack.Decoder(list[events.WireEvent])

Pack: TypeAlias = Callable[[tuple[events.Event, ...]], bytes]


class Trimmed(LookupError):
    """The log no longer holds what one asked to read: begin from a snapshot."""


def encode(commit: Commit, pack: Pack | None = None) -> dict[str, bytes]:
    """The fields of a log entry."""
    return {
        "format": str(FORMAT).encode(),
        "by": commit.by.encode(),
        "prev_by": commit.prev_by.encode(),
        "at": str(commit.at).encode(),
        "inbox": commit.inbox.encode(),
        "events": (pack or pack_all)(commit.events),
    }


def pack_all(found: Sequence[events.Event]) -> bytes:
    """The field `events`."""
    return _packer.encode([_wire(event) for event in found])


def pack_one(event: events.Event) -> bytes:
    """One of the list in the field `events`."""
    return _packer.encode(_wire(event))


def _wire(event: events.Event) -> list[Any]:
    """`events.to_wire`, but what msgspec packs as it stands is left to it: it is C."""
    kind = type(event)
    if kind is CommandAccepted:
        return ["CommandAccepted", _ACCEPTED_SCHEMA, event]
    if kind in _LINED:
        return events.to_wire(event)
    return [kind.__name__, events.SCHEMAS[kind], event]


def decode(entry: Entry, *, outcomes: bool = True) -> Commit:
    """Read a log entry; without `outcomes` for a reader that would forget them. Raises BrokenLog when it is
    none of format 1, UnknownEvent when it is too new."""
    version, _, rest = entry.id.partition("-")
    fields = entry.fields
    if rest != "0" or fields.get("format") != str(FORMAT).encode():
        raise BrokenLog(f"entry {entry.id} is no commit of format {FORMAT}")
    try:
        raw = _unpacker.decode(fields["events"])
        return Commit(
            int(version),
            fields["by"].decode(),
            fields["prev_by"].decode(),
            int(fields["at"]),
            fields["inbox"].decode(),
            tuple([events.from_wire(event) for event in raw if outcomes or event[0] not in events.OUTCOMES]),
        )
    except events.UnknownEvent:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenLog(f"entry {entry.id} cannot be read: {error!r}") from error


class Log:
    """Reads and writes logs over one wire. A follower needs a wire of its own: it blocks.

    `outcomes=False` for states that do not remember them: a flash sale refuses a million commands.
    `pack` may be a faster way to the bytes of `pack_all`.
    """

    def __init__(self, wire: Wire, *, outcomes: bool = True, pack: Pack | None = None) -> None:
        self._wire, self._outcomes, self._pack = wire, outcomes, pack or pack_all
        self.bytes_followed = 0  # by `batches`, of events as they are written

    async def send(self, show: str, commit: Commit, along: Along = ALONE) -> Underway:
        """Begin to write commit N as entry N-0, with what goes along."""
        return await self._wire.send(keys.log(show), f"{commit.version}-0", encode(commit, self._pack), along)

    async def append(self, show: str, commit: Commit, along: Along = ALONE) -> list[Entry]:
        """Write commit N as entry N-0, with what goes along. Raises Outdated (another wrote N, and nothing
        took place) or Broken (outcome unknown)."""
        return await (await self.send(show, commit, along)).outcome()

    async def commit(self, show: str, version: int) -> Commit | None:
        """The commit of this version, if it stands."""
        entry = await self._wire.entry(keys.log(show), f"{version}-0")
        return None if entry is None else decode(entry)

    async def top(self, show: str) -> int:
        """The newest version; 0 for a show without a commit."""
        entry = await self._wire.newest(keys.log(show))
        return 0 if entry is None else int(entry.id.partition("-")[0])

    async def read(self, show: str, after: int, count: int = READ_AT_ONCE) -> list[Commit]:
        """Up to `count` commits after version `after`, without gaps. Raises Trimmed."""
        entries = await self._wire.read(keys.log(show), f"{after}-0", count)
        return _sound(entries, after, outcomes=self._outcomes)

    async def catch_up(self, state: State) -> State:
        """Fold everything that the log has beyond the state. Raises Trimmed and BrokenLog."""
        count = READ_AT_FIRST
        while True:
            commits = await self.read(state.show, state.version, count)
            for commit in commits:
                fold(state, commit)
            if len(commits) < count:
                return state
            count = _next_count(commits)

    async def follow(self, show: str, after: int) -> AsyncIterator[Commit]:
        """Every commit after version `after`, for ever, as they come; each exactly once, in order.

        Raises Broken when the connection goes (follow again from the last version folded), Trimmed
        when `after` is no longer there, and BrokenLog when a commit does not name the writer before it.
        """
        async for commits in self.batches(show, after):
            for commit in commits:
                yield commit

    async def batches(self, show: str, after: int) -> AsyncIterator[list[Commit]]:
        """Like `follow`, but as many at a time as are there; none when a second passed without any."""
        by: str | None = None
        count = READ_AT_FIRST
        while True:
            entries = await self._wire.wait(keys.log(show), f"{after}-0", count, FOLLOW_BLOCK_MS)
            self.bytes_followed += sum([len(entry.fields.get("events", b"")) for entry in entries])
            commits = _sound(entries, after, outcomes=self._outcomes)
            if len(entries) == count:
                count = _next_count(commits)
            for place, commit in enumerate(commits):
                if by is not None and commit.prev_by != by:
                    yield commits[:place]
                    raise BrokenLog(f"commit {commit.version} of {show} does not follow {by}")
                after, by = commit.version, commit.by
            yield commits


def _next_count(commits: list[Commit]) -> int:
    """Commits of a flash sale hold thousands of events: read as many as fold in a tenth of a second."""
    held = sum([len(commit.events) for commit in commits])
    return min(READ_AT_ONCE, max(1, len(commits) * EVENTS_AT_ONCE // max(1, held)))


def _sound(entries: list[Entry], after: int, *, outcomes: bool) -> list[Commit]:
    commits = [decode(entry, outcomes=outcomes) for entry in entries]
    for expected, commit in enumerate(commits, after + 1):
        if commit.version != expected:
            if expected == after + 1:
                raise Trimmed(f"version {expected} is gone; the log begins at {commit.version}")
            raise BrokenLog(f"version {commit.version} follows {expected - 1}")
    return commits
