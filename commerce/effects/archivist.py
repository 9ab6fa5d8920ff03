"""The archivist of one show: folds its log, books what it says, keeps snapshots, trims what all are past.

A batch of commits is booked in one SQL transaction that also moves `archived`; only then the cursor in Redis
moves, so a crash between any two steps repeats work and never its result. A log that cannot be the sequel of
what is booked (restored from an older copy, or another show's) stops the archivist: somebody has to look.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import structlog

from commerce.books import Books
from commerce.books.archive import Archived, archived_to, note_archived
from commerce.effects.bookings import book_commits
from commerce.live.cursor import Cursor
from commerce.live.log import Log
from commerce.live.snapshot import Snapshots
from commerce.live.wire import Wire
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.state import State

NAME: Final = "archivist"
SNAPSHOT_LEAST_BYTES: Final = 1 << 20  # of log behind the newest snapshot; and as much as that is large
SNAPSHOT_COMMITS: Final = 20_000  # small ones, which cost a reader more than their bytes
SNAPSHOT_SECONDS: Final = 60.0

Slowest: TypeAlias = Callable[[str], Awaitable[int | None]]  # the version all effects of a show are past

log = structlog.get_logger("archivist")


class Diverged(Exception):
    """The log is not the one that the books follow."""


class Archivist:
    """Books one show. `run` until cancelled; begin again after Broken, Overtaken or a database error."""

    def __init__(
        self,
        show: str,
        books: Books,
        wire: Wire,
        cursor: Cursor,
        *,
        slowest: Slowest,
        mails: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.show = show
        self.at = Archived(0, "")
        self.idle = False  # nothing came for a second
        self.behind = False  # with what came last
        self._mails = mails
        self._books, self._cursor, self._slowest, self._clock = books, cursor, slowest, clock
        self._log, self._snapshots = Log(wire), Snapshots(wire)
        self._state: State
        self._kept_version, self._kept_at = 0, clock()
        self._kept_bytes = self._followed = 0  # the newest snapshot's; of the log, when it was written

    async def run(self) -> None:
        """Follow the log for ever."""
        await self.begin()
        async for commits in self._log.batches(self.show, min(self._state.version, self.at.version)):
            self.behind = True
            await self.archive(commits)
            await self.keep_snapshot()
            self.behind = False

    async def begin(self) -> None:
        """Find where the books are, and a state to go on from. Raises Diverged."""
        await self._cursor.read()
        async with self._books.read() as tx:
            self.at = await archived_to(tx, self.show)
        last = await self._log.commit(self.show, self.at.version) if self.at.version else None
        if self.at.version > await self._log.top(self.show) or (last and last.by != self.at.by):
            raise Diverged(f"{self.show}: the log does not hold commit {self.at.version} by {self.at.by}")
        self._state = await self._snapshots.newest(self.show)
        self._kept_version, self._kept_at = self._state.version, self._clock()

    async def archive(self, commits: Sequence[Commit]) -> None:
        """Fold a batch, book it, and move on."""
        self.idle = not commits
        for commit in commits:
            if commit.version > self._state.version:
                fold(self._state, commit)
        new = [commit for commit in commits if commit.version > self.at.version]
        if not new:
            return
        after = Archived(new[-1].version, new[-1].by)
        async with self._books.begin() as tx:
            await book_commits(tx, self._state, new, mails=self._mails)
            await note_archived(tx, self.show, self.at, after, new[-1].at)
        self.at = after
        await self._cursor.move(after.version)

    async def keep_snapshot(self) -> None:
        """Write a snapshot when there is enough new, or the show has closed; then trim the log.

        Enough is as many bytes of log as the snapshot before has: so all snapshots of a sale together are
        no more than twice its log, and who begins from one folds no more than it has just thawed.
        """
        grown = self._state.version - self._kept_version
        bytes_grown = self._log.bytes_followed - self._followed
        much = bytes_grown >= max(SNAPSHOT_LEAST_BYTES, self._kept_bytes) or grown >= SNAPSHOT_COMMITS
        old = self._clock() - self._kept_at > SNAPSHOT_SECONDS
        closed = self._state.stage == "closed" and self.idle
        if grown <= 0 or self.at.version < self._state.version:
            return
        if much or old or closed:
            self._kept_bytes = await self._snapshots.write(self._state)
            await self._trim()
            self._kept_version, self._kept_at = self._state.version, self._clock()
            self._followed = self._log.bytes_followed

    async def _trim(self) -> None:
        done = await self._slowest(self.show)
        if done is not None:
            await self._snapshots.trim(self.show, min(done, self.at.version))
