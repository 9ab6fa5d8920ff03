"""One show as this process sees it: the folded log, and what its listeners are told of each change.

One task folds (`fold`), one tells (`run`). What changes stock, audience or hearts waits for the
next tenth of a second; what a person must see at once (pin, price, sold out, state) wakes the
teller; an order goes to its buyer the moment its commit is folded. Every patch holds absolute
values and is encoded once for the public and once for the hosts.

The id of an event is `{epoch}.{version}.{talk}`: all public changes up to that version have been
sent. It is therefore the version *before* that an own order carries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from commerce.api.crowd import Crowd, Listener, chunk, said
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.state import State
from commerce.show.view import HOST, PUBLIC, Entities, Eye, Projection, own, sees, view

COALESCE_SECONDS: Final = 0.1
PING_SECONDS: Final = 15.0
MOST_LISTENERS: Final = 20_000  # of one show in one process
TALK_KEYS: Final = ("audience", "hearts")

_encode: Final = msgspec.json.Encoder().encode


class Feed:
    """A show, its projection and its crowd. `plan` fills the show entity before the log begins."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.projection = Projection(state)
        self.crowd = Crowd()
        self.plan: Entities = {}
        self.warnings: list[str] = []
        self.viewers = 0
        self.hearts = 0
        self.talk = 0  # counts changes of audience and hearts seen by this process
        self.said = state.version  # every public change up to here has been told to all
        self._waiting: set[str] = set()
        self._looks: dict[str, tuple[Any, ...]] = {}  # offer → what may not wait, as last seen
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._waiters: dict[int, list[asyncio.Future[None]]] = {}  # by the version they wait for

    # -- folding -----------------------------------------------------------------------------------

    def fold(self, commits: Iterable[Commit]) -> None:
        """Take commits into account. Raises BrokenLog when one does not follow the one before."""
        touched: set[str] = set()
        for commit in commits:
            fold(self.state, commit)
            touched |= self.projection.commit_folded(commit.events)
        if touched:
            self._tell_buyers(touched)
            self._will_tell(touched, is_urgent=self._is_any_urgent(touched))
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        if self._waiters:
            for version in [version for version in self._waiters if version <= self.state.version]:
                self._wake_those_for(version)

    def _wake_those_for(self, version: int) -> None:
        for waiter in self._waiters.pop(version, ()):
            if not waiter.done():
                waiter.set_result(None)

    async def reached(self, version: int, within_s: float) -> bool:
        """Whether this process has folded the version, waiting a moment for it."""
        if self.state.version >= version:
            return True
        loop = asyncio.get_running_loop()
        if version not in self._waiters:  # one timer for all who wait for it
            self._waiters[version] = []
            loop.call_later(within_s, self._wake_those_for, version)
        waiter = loop.create_future()
        self._waiters[version].append(waiter)
        await waiter
        return self.state.version >= version

    def count_viewers(self, viewers: int) -> None:
        """The relays counted the audience."""
        if viewers != self.viewers:
            self.viewers = viewers
            self.talk += 1
            self._will_tell({"audience"}, is_urgent=False)

    def count_hearts(self, hearts: int) -> None:
        """All hearts since the show began."""
        if hearts > self.hearts:
            self.hearts = hearts
            self.talk += 1
            self._will_tell({"hearts"}, is_urgent=False)

    def _will_tell(self, keys: set[str], *, is_urgent: bool) -> None:
        """Wake the teller now, or a tenth of a second after it last spoke."""
        self._waiting |= keys
        if is_urgent:
            self._wake.set()
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._told_at + COALESCE_SECONDS), self._wake.set)

    def _is_any_urgent(self, touched: set[str]) -> bool:
        return any([self._is_urgent(key) for key in touched if not key.startswith("order:")])

    def _is_urgent(self, key: str) -> bool:
        kind, _, name = key.partition(":")
        if kind in ("pin", "show", "rundown"):
            return True
        if kind != "offer":
            return False
        offer = self.state.offers[name]
        look = (self.state.available(offer) == 0, offer.price, offer.withdrawn)
        changed = self._looks.get(name) != look
        self._looks[name] = look
        return changed

    def _tell_buyers(self, touched: set[str]) -> None:
        if not self.crowd.has_buyers:
            return
        changed: dict[str, list[str]] = {}
        for key in touched:
            if key.startswith("order:"):
                changed.setdefault(self.state.orders[key[6:]].buyer, []).append(key)
        for buyer, keys in changed.items():
            for listener in self.crowd.of_buyer(buyer):
                version = max(self.said, listener.joined)
                patch = self._dressed(self.projection.patch(keys, own(buyer)), own(buyer))
                event = said("patch", self.event_id(version), _encode({"entities": patch}))
                listener.send(chunk(event))

    # -- telling -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Tell the crowd, for ever: at once when woken, else ten times a second; ping when quiet."""
        loop = asyncio.get_running_loop()
        pinged = loop.time()
        while True:
            ping = loop.call_at(pinged + PING_SECONDS, self._wake.set)
            await self._wake.wait()
            ping.cancel()
            self._wake.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._told_at = loop.time()
            await self.tell()
            if loop.time() - pinged >= PING_SECONDS:
                pinged = loop.time()
                await self.crowd.ping()

    async def tell(self) -> None:
        """Send what waits, encoded once for each projection."""
        if not self._waiting:
            return
        keys, self._waiting = self._waiting, set()
        version = self.state.version
        event_id = self.event_id(version)
        hosts = self._patch(keys, HOST, event_id) if self.crowd.has_hosts else b""
        public = self._patch(keys, PUBLIC, event_id)
        if public:
            await self.crowd.tell_public(public)
        if hosts:
            await self.crowd.tell_hosts(hosts)
        self.said = version

    def _patch(self, keys: set[str], eye: Eye, event_id: str) -> bytes:
        seen = {key for key in keys if key in TALK_KEYS or sees(self.state, eye, key)}
        if not seen:
            return b""
        entities = {key: self._talk(key) for key in seen if key in TALK_KEYS}
        entities |= self._dressed(self.projection.patch(seen - set(TALK_KEYS), eye), eye)
        return chunk(said("patch", event_id, _encode({"entities": entities})))

    def _talk(self, key: str) -> Entities:
        return {"viewers": self.viewers} if key == "audience" else {"count": self.hearts}

    def _dressed(self, entities: Entities, eye: Eye) -> Entities:
        """Entities as they leave the house: the merchant has a name, amounts have a currency."""
        for key, value in entities.items():
            if key == "show":
                entities[key] = self._show(value, eye)
            elif key.startswith("order:"):
                amounts = {**value["amounts"], "currency": self.state.currency}
                entities[key] = {**value, "amounts": amounts}
        return entities

    def _show(self, value: Entities, eye: Eye) -> Entities:
        merchant = self.plan.get("merchant", {"id": value["merchant"], "name": {}})
        planned = self.plan if self.state.stage == "scheduled" else {"merchant": merchant}
        warnings = {"warnings": self.warnings} if eye.host else {}
        return {**value, **planned, **warnings}

    # -- joining -----------------------------------------------------------------------------------

    @property
    def epoch(self) -> str:
        """Names this log among all that a show of this id may have had."""
        return f"{self.state.opened_at or 0:x}"

    def event_id(self, version: int) -> str:
        """The id of an event that tells everything up to `version`."""
        return f"{self.epoch}.{version}.{self.talk}"

    def welcome(self, eye: Eye, last_event_id: str, now_ms: int) -> bytes:
        """The first event for a connection, not yet framed: what it missed, or everything."""
        version = self._resumed(last_event_id)
        patch = None if version is None else self.projection.since(version, eye)
        event_id = self.event_id(self.state.version)
        if patch is not None:
            talk = {key: self._talk(key) for key in TALK_KEYS}
            entities = {**self._dressed(patch, eye), **talk}
            return said("patch", event_id, _encode({"entities": entities}))
        entities = {**self.everything(eye), "server_time": {"at": now_ms}}
        return said("snapshot", event_id, _encode({"entities": entities}))

    def everything(self, eye: Eye) -> Entities:
        """All entities that this eye sees now."""
        entities = self._dressed(view(self.state, eye), eye)
        return {**entities, **{key: self._talk(key) for key in TALK_KEYS}}

    def _resumed(self, last_event_id: str) -> int | None:
        """The version to resume after; None for an id that is absurd or of another epoch."""
        epoch, _, rest = last_event_id.partition(".")
        version = rest.partition(".")[0]
        if epoch != self.epoch or not version.isdecimal() or len(version) > 15:
            return None
        return int(version)

    def join(self, listener: Listener, eye: Eye, last_event_id: str, now_ms: int) -> bytes:
        """Let a listener in and give the first event for it; nothing may be folded in between."""
        listener.joined = self.state.version
        self.crowd.join(listener)
        return self.welcome(eye, last_event_id, now_ms)
