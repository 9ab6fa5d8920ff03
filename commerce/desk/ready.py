"""A state kept ready beside the desk that works, so that whoever takes over has little left to fold.

It comes from the log alone and never runs ahead of it. Before it is used the log must have its newest
commit, by the same writer: a server that lost what it had would else be written on with a gap.
"""

from __future__ import annotations

from typing import Final

from commerce.live.log import Log, Trimmed
from commerce.live.snapshot import Snapshots
from commerce.show.evolve import BrokenLog
from commerce.show.state import State

FOLD_EVERY_MS: Final = 1_000  # 20,000 commands of a flash sale are 40 ms of folding


class Ready:
    """The state of one show, for a desk that waits."""

    def __init__(self, show: str, log: Log, snapshots: Snapshots) -> None:
        self._show, self._log, self._snapshots = show, log, snapshots
        self._state: State | None = None
        self._folded_ms = -float(FOLD_EVERY_MS)

    async def keep(self, now_ms: float) -> None:
        """Follow the log, once a second."""
        if now_ms - self._folded_ms >= FOLD_EVERY_MS:
            self._folded_ms = now_ms
            await self.newest()

    async def newest(self) -> State:
        """The state of the show now. Raises Broken, Trimmed, BrokenLog."""
        if self._state is not None and not await self._goes_on(self._state):
            self._state = None
        if self._state is None:
            self._state = await self._snapshots.load(self._show)
        return self._state

    def hand_over(self) -> None:
        """The state is another's now, who lets it run ahead: forget it."""
        self._state = None

    async def _goes_on(self, state: State) -> bool:
        """Fold what came since; False when the log is not the one that was folded so far."""
        try:
            await self._log.catch_up(state)
        except (Trimmed, BrokenLog):
            return False
        if not state.version:
            return True
        newest = await self._log.commit(self._show, state.version)
        return newest is not None and newest.by == state.by
