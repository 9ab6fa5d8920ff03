"""A desk without Redis: asks go in, commits come out; time is what one says."""

from __future__ import annotations

from commerce.desk.native import Place, place_nothing
from commerce.desk.propose import propose
from commerce.live.envelope import Letter, Reply, asked
from commerce.show import commands as c
from commerce.show.commit import Commit
from commerce.show.state import State, fresh

MIDNIGHT_MS = 1_800_000_000_000


class DeskInHand:
    """Decides as a desk process does, one letter a commit, and keeps the commits; by the readable rules,
    unless `place` is the twin."""

    def __init__(self, show: str = "show-1", place: Place = place_nothing) -> None:
        self._place = place
        self.state: State = fresh(show)
        self.now = MIDNIGHT_MS
        self.by = "00000000000000a1"
        self.commits: list[Commit] = []
        self._letters = 0

    def ask(
        self, command: c.Command, actor: str = "ann", key: str | None = None, deadline: int | None = None
    ) -> Reply:
        """Ask one command now; the reply."""
        self._letters += 1
        until = self.now + 5_000 if deadline is None else deadline
        print_ = c.fingerprint(command)
        ask = asked(self._letters, (actor, key or f"key-{self._letters}", print_), until, "", command)
        letter = Letter(f"{self.now}-{self._letters}", "front-1", [ask])
        proposal = propose(self.state, self.by, [letter], self.now, place=self._place)
        assert proposal is not None
        self.commits.append(proposal.commit)
        return proposal.replies["front-1"][0]

    def wait(self, seconds: float, outage_ms: int = 0) -> None:
        """Let time pass; whatever it brings is committed."""
        self.now += int(seconds * 1_000)
        while (proposal := propose(self.state, self.by, [], self.now, outage_ms)) is not None:
            self.commits.append(proposal.commit)
            outage_ms = 0
