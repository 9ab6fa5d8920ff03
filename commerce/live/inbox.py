"""The front's side of asking a desk: many callers, one stream entry for all who wait at the moment.

`Inbox.ask` is what every front and effect calls. It knows no HTTP and no show's state: it writes into
`{show}:inbox`, reads `{show}:answers:{front}` and hands each caller the answer with its ticket.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from commerce.live import envelope, keys
from commerce.live.envelope import Accepted, Answer, Ask, Refused, Reply
from commerce.live.roster import Roster
from commerce.live.wire import Broken, Wire
from commerce.show import commands
from commerce.show.commands import Command
from commerce.tasks import end

_log: Final = structlog.get_logger("inbox")

__all__ = ["Accepted", "Answer", "Busy", "Inbox", "NoAnswer", "Refused"]

CLOCK_KEPT_SECONDS: Final = 5.0
ENLIST_AFTER_SECONDS: Final = 10.0  # well before a desk leaves a show that is closed and quiet
TRY_AGAIN_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 60.0  # after which the connections of a quiet show are dropped
BLOCK_MS: Final = 1_000
GATHER_TURNS: Final = 2  # of the loop, so that who was read from the same sockets shares the round trip
SENT_AT_ONCE: Final = 16 * envelope.COMMANDS_AT_ONCE  # in one round trip, hence one sync of the server


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one process asks of one show, and how long a caller waits."""

    inbox_entries: int = 4_000  # of up to 256 commands; a longer inbox: the desk does not keep up
    callers: int = 20_000
    patience_seconds: float = envelope.DEADLINE_MS / 1_000 + 0.5  # half a second for an answer under way


class Busy(Exception):
    """The inbox is full; nothing was appended. Ask again after `retry_after` seconds."""

    retry_after: Final = 1


class NoAnswer(Exception):
    """No answer came within the deadline. The command may have taken effect: repeat it with its key."""


class Inbox:
    """Asks the desks of any shows; one per process. `aclose` it.

    `connect` makes a wire of one's own (commerce.live.valkey.open_wire with the server's URL bound).
    """

    def __init__(
        self,
        connect: Callable[[], Wire],
        roster: Roster,
        front: str | None = None,
        limits: Limits = Limits(),
    ) -> None:
        self._limits = limits
        self._connect = connect
        self._roster = roster
        self._front = front or secrets.token_hex(8)
        self._lines: dict[str, _Line] = {}

    async def ask(
        self,
        show: str,
        command: Command,
        *,
        actor: str,
        key: str,
        fingerprint: str | None = None,
        trace: str = "",
    ) -> Answer:
        """Ask the desk of a show, and wait for the answer that its log stands behind.

        (actor, key) names the wish: the same pair gets the same answer, however often it is asked
        (refusals are remembered for 60 s), and another `fingerprint` under it is refused as KeyReused.
        Default fingerprint: of the command without `order` and `contact`. Returns Accepted or Refused.
        Raises Busy (nothing happened), NoAnswer (repeat with the same key) or commands.Malformed.
        Asking also puts the show on the roster of those that desks run.
        """
        commands.check(command)
        line = self._lines.get(show)
        if line is None or line.ended:
            line = self._lines[show] = _Line(show, self._front, self._connect, self._roster, self._limits)
        wish = (actor, key, fingerprint or commands.fingerprint(command))
        caller, ticket = line.put(command, wish, trace)
        try:
            return envelope.answer(await caller)
        finally:
            del line.callers[ticket]

    @property
    def waiting(self) -> int:
        """How many callers wait for an answer now."""
        return sum(len(line.callers) for line in self._lines.values())

    async def aclose(self) -> None:
        """Drop every connection; who still waits gets NoAnswer."""
        for line in self._lines.values():
            await line.aclose()
        self._lines.clear()


class _Line:
    """The line to one show: a queue of asks, a task that sends them, a task that reads answers."""

    def __init__(
        self, show: str, front: str, connect: Callable[[], Wire], roster: Roster, limits: Limits
    ) -> None:
        self.show, self.front = show, front
        self._loop = asyncio.get_running_loop()  # to ask for it each time is a system call in Python 3.11
        self._roster, self._limits = roster, limits
        self._enlisted_at = -ENLIST_AFTER_SECONDS
        self.callers: dict[int, asyncio.Future[Reply]] = {}
        self.ended = False
        self._connect = connect
        self._unsent: list[Ask[Any]] = []
        self._maybe_sent = 0  # so many of the first were under way when a connection broke
        self._wake = asyncio.Event()
        self._patience: deque[tuple[float, int]] = deque()  # (give up at, ticket), oldest first
        self._sweeper: asyncio.TimerHandle | None = None
        self._last_ticket = 0
        self._length = 0
        self._offset_ms: float | None = None  # Redis time minus our monotonic clock
        self._offset_at = 0.0
        self._used_at = time.monotonic()
        self._sender = asyncio.create_task(self._keep(self._send), name=f"inbox {show}")
        self._reader = asyncio.create_task(self._keep(self._listen), name=f"answers {show}")
        self._last_answer = "0-0"

    def put(
        self, command: Command, wish: tuple[str, str, str], trace: str
    ) -> tuple[asyncio.Future[Reply], int]:
        """Queue a command; what will be its reply, and the ticket under which it stands in `callers` until
        the caller takes it out. Raises Busy."""
        if len(self.callers) >= self._limits.callers:
            raise Busy
        self._last_ticket = ticket = self._last_ticket + 1
        self._used_at = now = time.monotonic()
        caller: asyncio.Future[Reply] = self._loop.create_future()
        self.callers[ticket] = caller
        self._patience.append((now + self._limits.patience_seconds, ticket))
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._limits.patience_seconds, self._sweep)
        self._unsent.append(envelope.asked(ticket, wish, self._deadline(now), trace, command))
        if not self._wake.is_set():
            self._wake.set()
        return caller, ticket

    def _deadline(self, now: float) -> int:
        """In Redis time; 0 when that is not known: it is then stamped when the ask is first sent."""
        if self._offset_ms is None or now - self._offset_at > CLOCK_KEPT_SECONDS:
            return 0
        return int(now * 1_000 + self._offset_ms) + envelope.DEADLINE_MS

    def _sweep(self) -> None:
        """Tell those who waited too long; they are in the order in which they came."""
        now, patience = time.monotonic(), self._patience
        while patience and (patience[0][0] <= now or patience[0][1] not in self.callers):
            caller = self.callers.get(patience.popleft()[1])
            if caller is not None:
                _give_up(caller, self.show)
        self._sweeper = self._loop.call_later(patience[0][0] - now, self._sweep) if patience else None

    async def aclose(self) -> None:
        self.ended = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        await end([self._sender, self._reader])
        for caller in self.callers.values():
            _give_up(caller, self.show)

    async def _keep(self, work: Callable[[Wire], Awaitable[None]]) -> None:
        """Run the work on a wire of its own, and again on a new one when it breaks, while in use."""
        while not self.ended:
            wire = self._connect()
            try:
                await work(wire)
            except Broken:
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            except Exception:  # a fault of ours must not leave the line without its sender or reader
                _log.exception("the line to a show failed and is begun again", show=self.show)
                await asyncio.sleep(TRY_AGAIN_SECONDS)
            finally:
                with contextlib.suppress(Exception):
                    await wire.aclose()

    def _idle(self) -> bool:
        if not self.callers and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.ended = True
            self._wake.set()
        return self.ended

    async def _listen(self, wire: Wire) -> None:
        stream, callers = keys.answers(self.show, self.front), self.callers
        while not self._idle():
            for entry in await wire.wait(stream, self._last_answer, envelope.COMMANDS_AT_ONCE, BLOCK_MS):
                self._last_answer = entry.id
                for reply in envelope.unseal_replies(entry):
                    caller = callers.get(reply[0])
                    if caller is not None and not caller.done():
                        caller.set_result(reply)

    async def _send(self, wire: Wire) -> None:
        while not self.ended:
            if not self._unsent:
                self._wake.clear()
                await self._wake.wait()
                continue
            for _ in range(GATHER_TURNS):
                await asyncio.sleep(0)
            if time.monotonic() - self._enlisted_at >= ENLIST_AFTER_SECONDS:
                await self._roster.add(self.show)
                self._enlisted_at = time.monotonic()
            if not await self._room(wire):
                continue
            now = await self._redis_now(wire)
            batch = [ask if ask.deadline else _stamped(ask, now) for ask in self._unsent[:SENT_AT_ONCE]]
            # A batch that breaks stays in the queue and is sent again: it may then come twice, which
            # the keys make harmless. Who no longer waits is not sent again.
            self._unsent[: len(batch)] = batch
            wanted = [ask for ask in batch if ask.ticket in self.callers]
            if wanted:
                self._maybe_sent = len(batch)
                self._note(*await wire.knock(keys.inbox(self.show), self._letters(wanted)))
                self._maybe_sent = 0
            del self._unsent[: len(batch)]

    def _letters(self, asks: list[Ask[Any]]) -> list[dict[str, bytes]]:
        """Orders in letters of their own, which a desk reads in one step of C."""
        orders = [ask for ask in asks if ask.name == "PlaceOrder"]
        others = [ask for ask in asks if ask.name != "PlaceOrder"] if len(orders) < len(asks) else []
        step = envelope.COMMANDS_AT_ONCE
        return [
            envelope.seal(self.front, some[at : at + step])
            for some in (others, orders)
            for at in range(0, len(some), step)
        ]

    async def _room(self, wire: Wire) -> bool:
        """Whether the inbox may take more; else every unsent ask is told Busy."""
        if self._length > self._limits.inbox_entries:
            self._length = await wire.length(keys.inbox(self.show))
        if self._length <= self._limits.inbox_entries:
            return True
        turned_away, self._unsent = self._unsent, []
        for place, ask in enumerate(turned_away):
            caller = self.callers.get(ask.ticket)
            if caller is not None and not caller.done():
                caller.set_exception(NoAnswer(self.show) if place < self._maybe_sent else Busy())
        self._maybe_sent = 0
        return False

    async def _redis_now(self, wire: Wire) -> int:
        if self._offset_ms is None or time.monotonic() - self._offset_at > CLOCK_KEPT_SECONDS:
            self._note(self._length, await wire.now_ms())
        return int(time.monotonic() * 1_000 + (self._offset_ms or 0))

    def _note(self, length: int, now_ms: int) -> None:
        self._length, self._offset_at = length, time.monotonic()
        self._offset_ms = now_ms - self._offset_at * 1_000


def _stamped(ask: Ask[Any], now_ms: int) -> Ask[Any]:
    return ask._replace(deadline=now_ms + envelope.DEADLINE_MS)


def _give_up(caller: asyncio.Future[Reply], show: str) -> None:
    if not caller.done():
        caller.set_exception(NoAnswer(f"no desk of {show} answered in time"))
