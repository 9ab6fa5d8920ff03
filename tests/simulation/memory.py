"""A Redis-like server in memory: what the shop's path asks of one, and nothing more.

Passes the same conformance test as the real servers (tests/commerce/live/test_wire.py). Its time is a
function it is given. What it acknowledges it keeps: crashes of the server itself are tried on real ones.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from commerce.live.wire import ALONE, Along, Entry, Knock, Outdated, Tenure

Id = tuple[int, int]


def id_of(text: str) -> Id:
    ms, _, seq = text.partition("-")
    return int(ms), int(seq or 0)


def text_of(entry_id: Id) -> str:
    return f"{entry_id[0]}-{entry_id[1]}"


@dataclass
class Stream:
    """Entries in order, and the highest id ever given: trimming does not lower it."""

    ids: list[Id] = field(default_factory=list)
    fields: list[dict[str, bytes]] = field(default_factory=list)
    top: Id = (0, 0)

    def add(self, entry_id: Id, fields: Mapping[str, bytes]) -> None:
        if entry_id <= self.top:
            raise Outdated("equal or smaller than the target stream top item")
        self.top = entry_id
        self.ids.append(entry_id)
        self.fields.append(dict(fields))

    def behind(self, after: Id, count: int) -> list[Entry]:
        begin = bisect.bisect_right(self.ids, after)
        return [
            Entry(text_of(self.ids[i]), self.fields[i])
            for i in range(begin, min(begin + count, len(self.ids)))
        ]

    def trim(self, least: Id) -> None:
        begin = bisect.bisect_left(self.ids, least)
        del self.ids[:begin], self.fields[:begin]


class Memory:
    """The server: every method is one atomic command at the time `now_ms()`."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.streams: dict[str, Stream] = {}
        self._strings: dict[str, tuple[bytes, float]] = {}  # value, expiry
        self._hashes: dict[str, dict[str, bytes]] = {}
        self._expiry: dict[str, int] = {}

    def stream(self, key: str) -> Stream:
        if key in self._expiry and self._expiry[key] <= self.now_ms():
            del self._expiry[key]
            self.streams.pop(key, None)
        return self.streams.setdefault(key, Stream())

    def append(
        self, key: str, entry_id: str, fields: Mapping[str, bytes], along: Along = ALONE
    ) -> list[Entry]:
        self.stream(key).add(id_of(entry_id), fields)
        self.post(along.posts, along.most, along.expire_ms)
        if along.trim:
            self.trim(*along.trim)
        return self.read(*along.read) if along.read else []

    def add(self, key: str, fields: Mapping[str, bytes]) -> None:
        """XADD *: the time, or one more than the top when time stands or went back."""
        stream = self.stream(key)
        stream.add(max((self.now_ms(), 0), (stream.top[0], stream.top[1] + 1)), fields)

    def knock(self, key: str, letters: Sequence[Mapping[str, bytes]]) -> Knock:
        for fields in letters:
            self.add(key, fields)
        return Knock(len(self.stream(key).ids), self.now_ms())

    def post(self, posts: Sequence[tuple[str, bytes]], most: int, expire_ms: int) -> None:
        for key, answers in posts:
            self.add(key, {"answers": answers})
            stream = self.stream(key)
            del stream.ids[:-most], stream.fields[:-most]
            self._expiry[key] = self.now_ms() + expire_ms

    def read(self, key: str, after: str, count: int) -> list[Entry]:
        return self.stream(key).behind(id_of(after), count)

    def any_behind(self, key: str, after: Id) -> bool:
        """Whether the stream has an entry behind the id: what a blocked reader waits for."""
        ids = self.stream(key).ids
        return bool(ids) and ids[-1] > after

    def entry(self, key: str, entry_id: str) -> Entry | None:
        found = self.read(key, text_of((id_of(entry_id)[0], id_of(entry_id)[1] - 1)), 1)
        return found[0] if found and found[0].id == entry_id else None

    def newest(self, key: str) -> Entry | None:
        stream = self.stream(key)
        return Entry(text_of(stream.ids[-1]), stream.fields[-1]) if stream.ids else None

    def length(self, key: str) -> int:
        return len(self.stream(key).ids)

    def trim(self, key: str, min_id: str) -> None:
        self.stream(key).trim(id_of(min_id))

    def get(self, key: str) -> bytes | None:
        value, expiry = self._strings.get(key, (b"", 0.0))
        return value if expiry > self.now_ms() else None

    def put(self, key: str, value: bytes, expiry: float = float("inf")) -> None:
        self._strings[key] = (value, expiry)

    def take_lease(self, lease: str, alive: str, owner: str, ms: int) -> Tenure | None:
        if 0 < self.left_ms(lease) <= ms:
            return None
        self.put(lease, owner.encode(), self.now_ms() + ms)
        return Tenure(self.now_ms(), int(self.get(alive) or 0))

    def renew_lease(self, lease: str, alive: str, owner: str, ms: int) -> int | None:
        if self.get(lease) != owner.encode():
            return None
        self.put(lease, owner.encode(), self.now_ms() + ms)
        self.put(alive, str(self.now_ms()).encode())
        return self.now_ms()

    def left_ms(self, lease: str) -> int:
        _, expiry = self._strings.get(lease, (b"", 0.0))
        return 0 if expiry == float("inf") else max(0, int(expiry - self.now_ms()))

    def leave_lease(self, lease: str, owner: str) -> None:
        if self.get(lease) == owner.encode():
            del self._strings[lease]

    def fields(self, key: str) -> dict[str, bytes]:
        return dict(self._hashes.get(key, {}))

    def replace(self, key: str, before: str, fields: Mapping[str, bytes], seen: bytes) -> None:
        if self._hashes.get(key, {}).get("hash", b"") != seen:
            return
        if key in self._hashes:
            self._hashes[before] = self._hashes[key]
        self._hashes[key] = dict(fields)
