"""Who lives in the world: desks, buyers, a host, a bank, an archivist, and a reader that checks as it reads.

Each keeps a journal of what it was told; tests/simulation/laws.py compares the journals with the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from commerce.desk.shift import COMMANDS_PER_COMMIT, Shift, SteppedDown
from commerce.live import envelope, keys
from commerce.live.envelope import DEADLINE_MS, Accepted, Answer, Ask, Refused
from commerce.live.log import Log, Trimmed
from commerce.live.snapshot import Snapshots
from commerce.live.wire import Broken
from commerce.show import commands as c
from commerce.show import refusals
from commerce.show.evolve import fold
from commerce.show.language import OrderLine, SkuLine
from commerce.show.state import State, fresh
from commerce.show.view import HOST, PUBLIC, Eye, Projection, own, patched, view
from tests.simulation.world import Pause, Process, World, WorldClock, WorldWire

SHOW = "sim"
TITLE = {"en": "Thing"}
HOLD_SECONDS = 20
SNAPSHOT_TORN = 0.3


@dataclass
class Journal:
    """What everybody was told: (actor, key) -> the answers, in the order they came."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    wishes: dict[tuple[str, str], c.Command] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    checked: int = 0  # views compared by the reader


class Front:
    """One actor's way to ask: the wire format of the real front, a stream of its own, and patience."""

    def __init__(self, world: World, journal: Journal, actor: str) -> None:
        self.world, self.journal, self.actor = world, journal, actor
        self._wire = WorldWire(world)
        self._life = 0

    async def ask(self, command: c.Command, key: str) -> Answer:
        """Ask under the key until an answer comes; sometimes once more, as an impatient browser does."""
        self.journal.wishes[self.actor, key] = command
        answer = None
        while answer is None:
            answer = await self.try_once(command, key)
            if answer is not None and self.world.dice.random() < 0.1:
                answer = await self.try_once(command, key) or answer
        return answer

    async def try_once(self, command: c.Command, key: str) -> Answer | None:
        world = self.world
        self._life += 1  # a front that was killed between tries comes back under another name
        stream = f"{self.actor}.{self._life}"
        name, body = c.to_wire(command)
        try:
            now = await self._wire.now_ms()
            ask = Ask(1, self.actor, key, c.fingerprint(command), now + DEADLINE_MS, "", name, body)
            await self._wire.knock(keys.inbox(SHOW), [envelope.seal(stream, [ask])])
            return await self._answer(stream, key, world.time_ms + DEADLINE_MS)
        except Broken:
            await Pause(world.time_ms + world.dice.uniform(1, 500))
            return None

    async def _answer(self, stream: str, key: str, until_ms: float) -> Answer | None:
        patience = until_ms if self.world.dice.random() < 0.9 else self.world.time_ms + 20
        while self.world.time_ms < patience:
            wait_ms = max(1, int(patience - self.world.time_ms))
            for entry in await self._wire.wait(keys.answers(SHOW, stream), "0-0", 1, wait_ms):
                answer = envelope.answer(envelope.unseal_replies(entry)[0])
                self.journal.answers.setdefault((self.actor, key), []).append(answer)
                late = isinstance(answer, Refused) and isinstance(answer.refusal, refusals.TooLate)
                return None if late else answer
        return None


async def desk(world: World, journal: Journal, name: str, kind: type[Shift]) -> None:
    """The real shift (or a saboteur's), with a wire and a clock of this world."""
    counter = iter(range(1_000_000))

    def incarnation() -> str:
        return hashlib.blake2b(f"{name}{next(counter)}".encode(), digest_size=8).hexdigest()

    try:
        most = world.dice.choice((1, 2, COMMANDS_PER_COMMIT))  # few, so that one commit waits for another
        await kind(SHOW, WorldWire(world), WorldClock(world), incarnation, most=most).run()
    except Exception as alarm:
        if isinstance(alarm, Broken | SteppedDown):
            raise
        journal.alarms.append(f"{name}: {alarm!r}")


class Desks:
    """Two desks and whoever kills, freezes and restarts them."""

    def __init__(self, world: World, journal: Journal, trouble: float, kind: type[Shift]) -> None:
        self.world, self.journal, self.trouble, self.kind = world, journal, trouble, kind
        self.starts = 0
        self.kills = 0
        self.running: list[Process] = [self._start(), self._start()]

    def _start(self) -> Process:
        self.starts += 1
        name = f"desk {self.starts}"
        return self.world.start(name, desk(self.world, self.journal, name, self.kind))

    def kill(self, place: int) -> None:
        """Kill one; another takes its place."""
        self.world.kill(self.running[place])
        self.kills += 1
        self.running[place] = self._start()

    def strike(self) -> None:
        """Between two steps: perhaps kill or freeze one."""
        dice = self.world.dice
        for place, process in enumerate(self.running):
            if process.ended:  # it left the closed show; whoever asks puts the show back on the roster
                self.running[place] = self._start()
        if dice.random() < self.trouble:
            place = dice.randrange(2)
            if dice.random() < 0.7:
                self.kill(place)
            else:
                self.running[place].frozen_until_ms = self.world.time_ms + dice.uniform(100, 8_000)


async def host(front: Front, units: int, done: Callable[[], bool]) -> None:
    """Opens the show, grants stock (twice, as a reconciler does), adds offers, closes at the end."""
    dice = front.world.dice
    await front.ask(c.OpenShow(TITLE, "CNY", HOLD_SECONDS, "merchant"), "open")
    for again in range(2):
        await front.ask(c.AllotStock("grant", "thing", units), f"allot {again}")
    await front.ask(c.AddOffer("single", TITLE, None, (SkuLine("thing", 1),), 100, limit=2), "single")
    await front.ask(c.AddOffer("pair", TITLE, None, (SkuLine("thing", 2),), 150), "pair")
    await front.ask(c.AddOffer("rare", TITLE, None, (SkuLine("thing", 1),), 50, cap=2), "rare")
    await front.ask(c.PinOffer("single", 90_000), "pin")
    if dice.random() < 0.3:
        await front.ask(c.RepriceOffer("pair", 160), "reprice")
    await Pause(front.world.time_ms + 120_000, done)
    await front.ask(c.CloseShow(), "close")


async def buyer(front: Front, orders: int, sold: list[str], done: Callable[[], None]) -> None:
    """Places orders one after another, with the patience of a browser; pays, cancels or forgets them."""
    dice = front.world.dice
    for number in range(orders):
        await Pause(front.world.time_ms + dice.uniform(0, 4_000))
        offer, price = dice.choice((("single", 100), ("pair", 150), ("rare", 50)))
        name = f"{front.actor}.{number}"
        line = OrderLine(offer, 1, price)
        answer = await front.ask(
            c.PlaceOrder(name, front.actor, "x", (line,), 0, 0, 0, price), f"order {number}"
        )
        if isinstance(answer, Accepted):
            if dice.random() < 0.7:
                sold.append(name)
            elif dice.random() < 0.5:
                await front.ask(c.CancelOrder(name, front.actor), f"cancel {number}")
    done()


async def bank(front: Front, sold: list[str], prices: dict[str, int], over: Callable[[], bool]) -> None:
    """Says of each order what became of its payment: early, late, twice, or only after `unknown`."""
    dice = front.world.dice
    while not (over() and not sold):
        if not sold:
            await Pause(front.world.time_ms + 1_000, lambda: bool(sold) or over())
            continue
        order = sold.pop(dice.randrange(len(sold)))
        await Pause(front.world.time_ms + dice.choice((0, 100, 30_000)))
        says = dice.choice((("succeeded",), ("unknown", "succeeded"), ("failed",), ("succeeded", "failed")))
        for outcome in says:
            paid = c.RecordPayment(
                order, f"pay {order}".replace(" ", "-"), "bank", prices[order], "CNY", outcome
            )
            await front.ask(paid, f"{order} {outcome}")


async def archivist(world: World, journal: Journal) -> None:
    """Folds the log, writes snapshots (some are torn) and trims behind the one before the newest."""
    wire = WorldWire(world)
    snapshots, state = Snapshots(wire), fresh(SHOW)
    while state.stage != "closed":
        await Pause(world.time_ms + world.dice.uniform(500, 8_000))
        try:
            await Log(wire).catch_up(state)
            await snapshots.write(state)
            if world.dice.random() < SNAPSHOT_TORN:
                _tear(world)
            else:
                await snapshots.trim(SHOW, state.version)
        except Broken:
            continue


def _tear(world: World) -> None:
    newest = world.server.fields(keys.snapshot(SHOW))
    if newest and world.server.fields(keys.snapshot_before(SHOW)):
        torn = {**newest, "state": newest["state"][: len(newest["state"]) // 2]}
        world.server._hashes[keys.snapshot(SHOW)] = torn


async def reader(world: World, journal: Journal) -> None:
    """Follows the log as a front does, and holds view(M) + patch = view(N) against every commit."""
    wire = WorldWire(world)
    eyes: list[Eye] = [PUBLIC, HOST, own("buyer-0")]
    projection = Projection(fresh(SHOW, remembers=False))
    shown: list[dict[str, Any]] = [{} for _ in eyes]
    while projection.state.stage != "closed":
        try:
            async for commit in Log(wire).follow(SHOW, projection.state.version):
                before = projection.state.version
                fold(projection.state, commit)
                projection.commit_folded(commit.events)
                for place, eye in enumerate(eyes):
                    patch = projection.since(before, eye)
                    shown[place] = patched(shown[place], patch or {})
                    if before and shown[place] != view(projection.state, eye):
                        journal.alarms.append(f"view and patch differ at {commit.version} for {eye}")
                    if not before:
                        shown[place] = view(projection.state, eye)
                    journal.checked += 1
                if projection.state.stage == "closed":
                    return
        except Trimmed:
            state: State = await _reload(wire)
            projection = Projection(state)
            shown = [view(state, eye) for eye in eyes]
        except Broken:
            await Pause(world.time_ms + 10)


async def _reload(wire: WorldWire) -> State:
    while True:
        try:
            return await Snapshots(wire).load(SHOW, remembers=False)
        except Broken:
            continue
