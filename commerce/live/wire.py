"""What the shop's path asks of a Redis-like server: a dozen calls, each of which may break.

The desk, the log and the inbox speak this protocol alone, so the simulation can put a server in memory
behind it (tests/simulation/memory.py); both pass tests/commerce/live/test_wire.py. Nothing here
retries: after Broken the caller does not know whether a write took place, and has to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol


class Broken(Exception):
    """The server did not answer in time, went away or could not write: a write may or may not stand."""


class Outdated(Exception):
    """An explicit stream id at or below the top was refused: someone else wrote there."""


class Entry(NamedTuple):
    """One entry of a stream; field names are text, values bytes."""

    id: str
    fields: dict[str, bytes]


class Knock(NamedTuple):
    """What a front learns when it has put an entry into an inbox."""

    length: int
    now_ms: int


class Tenure(NamedTuple):
    """A lease just taken: the server's time, and when the show last had a desk (0: never)."""

    now_ms: int
    alive_ms: int


class Along(NamedTuple):
    """What goes with an append: `posts` and `trim` are done if it stands and in the same atomic step, so
    one sync serves them all; `read` is asked for in the same round trip."""

    posts: Sequence[tuple[str, bytes]] = ()  # (stream of answers, answers)
    most: int = 0  # entries kept in a stream of answers
    expire_ms: int = 0
    trim: tuple[str, str] | None = None  # (stream, least id that stays)
    read: tuple[str, str, int] | None = None  # (stream, behind this id, so many entries)


ALONE: Final = Along()


class Underway(Protocol):
    """An append that was sent. Ask for its outcome before anything else is asked of its wire."""

    async def outcome(self) -> list[Entry]:
        """What was to be read along. Raises Outdated (nothing took place) or Broken (nobody knows)."""


class Wire(Protocol):
    """One connection, used by one task at a time."""

    async def now_ms(self) -> int:
        """The server's TIME in ms."""

    async def send(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> Underway:
        """Have an append begin; whatever goes wrong, its outcome says so."""

    async def append(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> list[Entry]:
        """XADD with an explicit id, and what goes along; what was to be read. Raises Outdated when the id is
        at or below the top: then nothing of it took place."""

    async def knock(self, key: str, letters: Sequence[Mapping[str, bytes]]) -> Knock:
        """XADD * of each letter, in order, and the length and time after them: one round trip, one sync."""

    async def post(self, posts: Sequence[tuple[str, bytes]], most: int, expire_ms: int) -> None:
        """XADD * of field `answers` to many capped streams that expire by themselves."""

    async def read(self, key: str, after: str, count: int) -> list[Entry]:
        """Entries behind the id `after`, oldest first; "0-0" is the beginning."""

    async def wait(self, key: str, after: str, count: int, block_ms: int) -> list[Entry]:
        """Like `read`, but waits up to `block_ms` for the first; empty when none came."""

    async def entry(self, key: str, entry_id: str) -> Entry | None:
        """The entry of exactly this id."""

    async def newest(self, key: str) -> Entry | None:
        """The last entry of a stream."""

    async def length(self, key: str) -> int:
        """How many entries a stream has."""

    async def trim(self, key: str, min_id: str) -> None:
        """XTRIM MINID: forget every entry below the id. The fence of `append` stays."""

    async def take_lease(self, lease: str, alive: str, owner: str, ms: int) -> Tenure | None:
        """Take a free lease for `ms`; None when another has it. One that runs longer than `ms` is free: the
        server's clock was set back since it was taken, and nobody can tell whether its holder lives. One that
        never runs out is free too: nobody here takes such a one."""

    async def renew_lease(self, lease: str, alive: str, owner: str, ms: int) -> int | None:
        """Keep a lease and note the time as `alive`; the server's time, or None: it is lost."""

    async def left_ms(self, lease: str) -> int:
        """How long a lease still runs; 0 when nobody has it, or when it never runs out."""

    async def leave_lease(self, lease: str, owner: str) -> None:
        """Give the lease back if it is still the owner's."""

    async def get(self, key: str) -> bytes | None:
        """A string."""

    async def put(self, key: str, value: bytes) -> None:
        """Write a string."""

    async def fields(self, key: str) -> dict[str, bytes]:
        """A hash; empty when there is none."""

    async def replace(self, key: str, before: str, fields: Mapping[str, bytes], seen: bytes) -> None:
        """Atomically: the hash `key` becomes `before` (nothing when that is `key`), `fields` become `key`.

        `seen`: the field `hash` of what is replaced, empty where nothing was. Nothing happens when something
        else stands there by now: a call that was given up may still be on its way.
        """

    async def aclose(self) -> None:
        """Drop the connection."""
