"""A desk's work on one show: take the lease, fold the log, then batch after batch until something ends it.

Its only awaits are on the wire and the clock it is given, one at a time, so the simulation can stop it
between any two. The lease saves work; what fences is the version: entry N-0 is written once.

    peek -> load -> take lease -> catch up -> remind -> ( read -> propose -> append and answer ) ...

While a commit is under way the next one is decided on the state that it will make, but sent only when
the first stands: never more than one append is in flight, and who steps down throws all that state away.
The answers go into the server with the commit, in one atomic step, and so do not exist unless it stands;
the same round trip brings the next letters. An append whose outcome is not known is looked up: own `by`
stands -> it is answered; another's -> step down; nothing -> the same again under the same id.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from commerce.desk import native
from commerce.desk.clock import Clock
from commerce.desk.propose import Proposal, propose, remind
from commerce.desk.ready import Ready
from commerce.live import envelope, keys
from commerce.live.envelope import Illegible, Letter
from commerce.live.log import Log, Trimmed
from commerce.live.snapshot import Aside, Snapshots, at_once
from commerce.live.wire import Along, Broken, Entry, Outdated, Tenure, Underway, Wire
from commerce.show.commit import Commit
from commerce.show.decide import next_moment
from commerce.show.state import State

LEASE_MS: Final = 2_000
RENEW_AFTER_MS: Final = 500
GIVE_UP_AFTER_MS: Final = 1_500  # by the holder's own clock: well before another may take it
LATE_MS: Final = 800  # a lease with no more left was not renewed twice: its holder is in trouble or gone
OUTAGE_MS: Final = 5_000  # a longer one extends holds
COMMANDS_PER_COMMIT: Final = 500
ENTRIES_AT_ONCE: Final = 256
PEEK_MS: Final = 200
TRY_AGAIN_MS: Final = 20
TRIM_AFTER_LETTERS: Final = 200
ANSWERS_KEPT: Final = 1_000  # entries in one front's stream
ANSWERS_EXPIRE_MS: Final = 60_000
QUIET_MS: Final = 30_000  # of a closed show, before its desk leaves it

_log: Final = structlog.get_logger("desk")


def nothing() -> None:
    """Nothing to tidy up."""


class SteppedDown(Exception):
    """The lease is lost or another desk wrote the version: all state of this tenure is void."""


@dataclass(slots=True)
class Tally:
    """What a shift has done so far; read by metrics."""

    tenures: int = 0
    commits: int = 0
    commands: int = 0
    fenced: int = 0
    lookups: int = 0
    illegible: int = 0
    outages: int = 0
    version: int = 0
    inbox_lag: int = 0  # entries read but not yet decided
    committed_at_ms: float = 0.0  # own clock


class Sent(NamedTuple):
    """A commit under way, with so many letters in it and what goes along."""

    commit: Commit
    letters: int
    along: Along
    underway: Underway


class Shift:
    """One show at one desk. `run` until the show is closed and quiet, or until told to stop."""

    def __init__(
        self,
        show: str,
        wire: Wire,
        clock: Clock,
        incarnation: Callable[[], str],
        *,
        quiet_ms: float = QUIET_MS,
        aside: Aside = at_once,
        tidy: Callable[[], None] = nothing,
        most: int = COMMANDS_PER_COMMIT,
    ) -> None:
        self._tidy, self._most = tidy, most
        self._quiet_ms, self._snapshots = quiet_ms, Snapshots(wire, aside)
        self.show, self.tally, self.stopping = show, Tally(), False
        self._wire, self._clock, self._incarnation = wire, clock, incarnation
        self._log = Log(wire, pack=native.pack)
        self._ready = Ready(show, self._log, self._snapshots)
        self._held_ms = self._offset_ms = self._used_ms = 0.0
        self._cursor = "0-0"
        self._letters: deque[Letter] = deque()
        self._done: str | None = None  # the last letter answered
        self._done_since_trim = 0

    async def run(self) -> None:
        """Work on the show for as long as it needs a desk. Raises BrokenLog or Trimmed: alarm, no way on."""
        while not self.stopping:
            by = self._incarnation()
            try:
                if await self._tenure(by):
                    return
            except (Broken, SteppedDown) as why:
                _log.warning("stepped down", show=self.show, by=by, why=str(why) or type(why).__name__)
            if not self.stopping:
                await self._clock.sleep(PEEK_MS)

    async def _tenure(self, by: str) -> bool:
        """One incarnation, from an empty lease to stepping down; True when the show needs no desk."""
        if _is_held(await self._wire.left_ms(keys.lease(self.show))):
            await self._ready.keep(self._clock.monotonic_ms())
            return False
        # The long part is done before the lease is taken, so that it cannot run out meanwhile, and most of it
        # while another desk works, so that buyers wait for the lease alone.
        state = await self._ready.newest()
        tenure = await self._take_lease(by)
        if tenure is None:
            return False
        self._ready.hand_over()
        self._set_time(tenure.now_ms)
        try:
            await self._log.catch_up(state)
        except Trimmed:
            raise SteppedDown("the log was trimmed meanwhile") from None
        self.tally.tenures += 1
        self._used_ms = self._clock.monotonic_ms()
        away = tenure.now_ms - max(tenure.alive_ms, state.at)
        outage_ms = away if away > OUTAGE_MS and state.version else 0
        self.tally.outages += outage_ms > 0
        _log.info("took over", show=self.show, by=by, version=state.version, away_ms=away)
        self._letters.clear()
        self._cursor, self._done, self._done_since_trim = "0-0", None, 0
        await self._remind(state)
        try:
            over = await self._serve(state, by, outage_ms)
        except (Broken, SteppedDown):
            await self._leave(by)
            raise
        await self._leave(by)
        return over

    async def _take_lease(self, by: str) -> Tenure | None:
        """Take the lease at the moment at which it runs out; None when its holder has renewed it."""
        lease = keys.lease(self.show)
        while not self.stopping:
            self._held_ms = self._clock.monotonic_ms()
            tenure = await self._wire.take_lease(lease, keys.alive(self.show), by, LEASE_MS)
            if tenure is not None:
                return tenure
            left_ms = await self._wire.left_ms(lease)
            if _is_held(left_ms):
                return None
            await self._clock.sleep(left_ms + 1)
        return None

    async def _leave(self, by: str) -> None:
        """Spare the next desk the wait. The version fences whatever is still under way."""
        with contextlib.suppress(Broken):
            await self._wire.leave_lease(keys.lease(self.show), by)

    async def _serve(self, state: State, by: str, outage_ms: int) -> bool:
        sent: Sent | None = None
        while not self.stopping:
            if sent is not None and (not self._letters or self._renewal_is_due()):
                await self._settle(sent)
                sent = None
            # An outage is committed before the first renewal, which would make it forgotten.
            if not outage_ms:
                await self._renew(by)
                await self._read(state)
            batch = self._batch()
            proposal = self._propose(state, by, batch, outage_ms)
            outage_ms = 0
            if sent is not None:
                await self._settle(sent)
                sent = None
            if proposal is not None:
                sent = await self._send(proposal, batch)
                self._tidy()
            elif state.stage == "closed" and self._clock.monotonic_ms() - self._used_ms > self._quiet_ms:
                return True
        if sent is not None:
            await self._settle(sent)
        return False

    def _propose(self, state: State, by: str, batch: list[Letter], outage_ms: int) -> Proposal | None:
        return propose(state, by, batch, self._now_ms(), outage_ms)

    # -- time and lease ----------------------------------------------------------------------------

    def _set_time(self, redis_ms: int) -> None:
        self._offset_ms = redis_ms - self._clock.monotonic_ms()

    def _now_ms(self) -> int:
        return int(self._clock.monotonic_ms() + self._offset_ms)

    def _must_hold(self) -> None:
        if self._clock.monotonic_ms() - self._held_ms > GIVE_UP_AFTER_MS:
            raise SteppedDown("lease not renewed in time")

    def _renewal_is_due(self) -> bool:
        return self._clock.monotonic_ms() - self._held_ms >= RENEW_AFTER_MS

    async def _renew(self, by: str) -> None:
        if not self._renewal_is_due():
            return
        while True:
            self._must_hold()
            asked_ms = self._clock.monotonic_ms()
            try:
                now = await self._wire.renew_lease(keys.lease(self.show), keys.alive(self.show), by, LEASE_MS)
                break
            except Broken:
                await self._clock.sleep(TRY_AGAIN_MS)
        if now is None:
            raise SteppedDown("another desk has the lease")
        self._held_ms = asked_ms
        self._set_time(now)
        await self._trim()

    # -- letters -----------------------------------------------------------------------------------

    async def _read(self, state: State) -> None:
        """Wait for letters until the next renewal or the next moment of the show, whichever is first."""
        if self._letters:
            return
        wait_ms = RENEW_AFTER_MS - (self._clock.monotonic_ms() - self._held_ms)
        moment = next_moment(state)
        if moment is not None:
            wait_ms = min(wait_ms, moment - self._now_ms())
        inbox = keys.inbox(self.show)
        if wait_ms >= 1:
            entries = await self._wire.wait(inbox, self._cursor, ENTRIES_AT_ONCE, int(wait_ms))
        else:
            entries = await self._wire.read(inbox, self._cursor, ENTRIES_AT_ONCE)
        self._take(entries)

    def _take(self, entries: list[Entry]) -> list[Letter]:
        letters = []
        for entry in entries:
            self._cursor = entry.id
            try:
                letters.append(envelope.unseal(entry))
            except Illegible as why:
                self.tally.illegible += 1
                _log.error("illegible letter", show=self.show, why=str(why))
                letters.append(Letter(entry.id, "", []))  # its place in the inbox is still taken
        self._letters.extend(letters)
        self.tally.inbox_lag = len(self._letters)
        return letters

    def _batch(self) -> list[Letter]:
        batch: list[Letter] = []
        commands = 0
        while self._letters and commands < self._most:
            letter = self._letters.popleft()
            batch.append(letter)
            commands += len(letter.asks)
        self.tally.commands += commands
        return batch

    async def _remind(self, state: State) -> None:
        """Answer again what the desk before may not have answered: letters up to the log's position."""
        while self._order(self._cursor) < self._order(state.inbox):
            entries = await self._wire.read(keys.inbox(self.show), self._cursor, ENTRIES_AT_ONCE)
            if not entries:
                break
            letters = self._take(entries)
            old = [letter for letter in letters if self._order(letter.id) <= self._order(state.inbox)]
            await self._post(remind(state, old))
            for _ in old:
                self._letters.popleft()
            if len(old) < len(letters):
                return
        if self._order(self._cursor) < self._order(state.inbox):
            self._cursor = state.inbox

    @staticmethod
    def _order(entry_id: str) -> tuple[int, int]:
        ms, _, seq = entry_id.partition("-")
        return int(ms), int(seq)

    # -- commit and answer -------------------------------------------------------------------------

    async def _send(self, proposal: Proposal, batch: list[Letter]) -> Sent:
        """Begin to append the proposal."""
        self._must_hold()
        along = self._along(proposal, batch)
        return Sent(
            proposal.commit, len(batch), along, await self._log.send(self.show, proposal.commit, along)
        )

    async def _settle(self, sent: Sent) -> None:
        """Have the commit that was sent stand, and its answers with it; or step down."""
        commit, letters, along, underway = sent
        while True:
            outdated = False
            try:
                self._take(await underway.outcome())
                break
            except Outdated:
                outdated = True
            except Broken:
                await self._clock.sleep(TRY_AGAIN_MS)
            standing = await self._look(commit.version)
            if standing is not None and standing.by == commit.by:
                break
            if standing is not None or outdated:
                self.tally.fenced += 1
                raise SteppedDown(f"another desk wrote version {commit.version}")
            self._must_hold()
            underway = await self._log.send(self.show, commit, along)
        self._done_since_trim = 0 if along.trim else self._done_since_trim + letters
        self.tally.commits += 1
        self.tally.version = commit.version
        self.tally.committed_at_ms = self._used_ms = self._clock.monotonic_ms()

    def _along(self, proposal: Proposal, batch: list[Letter]) -> Along:
        """What the commit takes along: its answers, now and then the end of answered letters, and a look
        at what came meanwhile."""
        if batch:
            self._done = batch[-1].id
        inbox = keys.inbox(self.show)
        trim = self._done is not None and self._done_since_trim + len(batch) >= TRIM_AFTER_LETTERS
        return Along(
            self._posts(proposal.replies),
            ANSWERS_KEPT,
            ANSWERS_EXPIRE_MS,
            (inbox, _behind(self._done)) if trim and self._done else None,
            (inbox, self._cursor, ENTRIES_AT_ONCE) if len(self._letters) < ENTRIES_AT_ONCE else None,
        )

    def _posts(self, replies: dict[str, list[envelope.Reply]]) -> list[tuple[str, bytes]]:
        return [
            (keys.answers(self.show, front), envelope.seal_replies(said))
            for front, said in replies.items()
            if front and said
        ]

    async def _look(self, version: int) -> Commit | None:
        self.tally.lookups += 1
        while True:
            self._must_hold()
            try:
                return await self._log.commit(self.show, version)
            except Broken:
                await self._clock.sleep(TRY_AGAIN_MS)

    async def _post(self, replies: dict[str, list[envelope.Reply]]) -> None:
        """Tell the fronts again. If it breaks the tenure ends, and the next one reminds them."""
        posts = self._posts(replies)
        if posts:
            await self._wire.post(posts, ANSWERS_KEPT, ANSWERS_EXPIRE_MS)

    async def _trim(self) -> None:
        """Forget letters that are answered. Never one that is not: it may have to be answered again."""
        if self._done is None or not self._done_since_trim:
            return
        await self._wire.trim(keys.inbox(self.show), _behind(self._done))
        self._done_since_trim = 0


def _is_held(left_ms: int) -> bool:
    """Whether somebody renews the lease. One that runs longer than any is from before the server's clock was
    set back, and nobody's."""
    return LATE_MS < left_ms <= LEASE_MS


def _behind(entry_id: str) -> str:
    """The least id behind this one."""
    ms, _, seq = entry_id.partition("-")
    return f"{ms}-{int(seq) + 1}"
