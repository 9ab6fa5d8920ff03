"""Everything a front process works with, opened once and closed in order; no globals.

`decide` is the one way from an HTTP command to a desk: answers become a version and a result,
refusals and silence become problems.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from aiohttp import web
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from commerce.api.ask import Ask
from commerce.api.contacts import Contacts
from commerce.api.feed import Feed
from commerce.api.feeds import Feeds
from commerce.api.hearts import Hearts
from commerce.api.limits import ACCOUNT_RATE, BIRTH_RATE, PAIRING_RATE, SIGN_IN_RATE, SOURCE_RATE, Buckets
from commerce.api.meters import Meters
from commerce.api.pages import Shelf
from commerce.api.problems import Problem
from commerce.api.relays import Relays
from commerce.api.turn import Turn
from commerce.books import Books, accounts, schedule
from commerce.books.audit import note_act
from commerce.books.press import Press
from commerce.keys import Signer
from commerce.live.cart import Carts
from commerce.live.inbox import Accepted, Busy, Inbox, NoAnswer
from commerce.live.pairing import Pairings
from commerce.live.sessions import STORE_ERRORS, Holder, Sessions, Store, Tries
from commerce.live.wire import Broken
from commerce.log import RequestLog
from commerce.payments.provider import Provider
from commerce.settings import ShopSettings
from commerce.show import refusals
from commerce.show.commands import Command, Malformed

HOLDER_KEPT_SECONDS: Final = 5.0  # a token ended elsewhere is honoured here no longer than this
MOST_HOLDERS_KEPT: Final = 50_000
PLAN_KEPT_SECONDS: Final = 2.0
HIDDEN: Final = {"NotYours": "UnknownOrder"}  # nobody learns whose an order is

log = structlog.get_logger("house")


def unix_ms() -> int:
    """The clock of this machine."""
    return time.time_ns() // 1_000_000


@dataclass
class House:
    """The parts of a front process."""

    settings: ShopSettings
    redis: Store
    books: Books
    signer: Signer
    jwks: dict[str, Any]  # the public keys, as relays elsewhere may fetch them
    inbox: Inbox
    feeds: Feeds
    relays: Relays
    providers: dict[str, Provider]
    warnings: list[str]
    unix_ms: Callable[[], int] = unix_ms
    sessions: Sessions = field(init=False)
    carts: Carts = field(init=False)
    hearts: Hearts = field(init=False)
    contacts: Contacts = field(init=False)
    shelf: Shelf = field(init=False)
    turn: Turn = field(default_factory=Turn)
    press: Press = field(default_factory=Press)
    meters: Meters = field(default_factory=Meters)
    requests: RequestLog = field(default_factory=RequestLog)
    by_source: Buckets = field(init=False)
    by_account: Buckets = field(init=False)
    sign_ins: Buckets = field(init=False)
    births: Buckets = field(init=False)
    pairing_births: Buckets = field(init=False)
    pairings: Pairings = field(init=False)
    _holders: OrderedDict[str, tuple[float, Holder]] = field(default_factory=OrderedDict)
    _plans: dict[str, tuple[float, schedule.Show]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.redis)
        self.carts = Carts(self.redis)
        self.hearts = Hearts(self.redis)
        self.contacts = Contacts(self.books, self.now_ms)
        self.shelf = Shelf(self.settings.web_dir)
        scale = self.settings.rate_limits
        self.by_source = Buckets(SOURCE_RATE.times(scale))
        self.by_account = Buckets(ACCOUNT_RATE.times(scale))
        self.sign_ins = Buckets(SIGN_IN_RATE.times(scale))
        self.births = Buckets(BIRTH_RATE.times(scale))
        self.pairing_births = Buckets(PAIRING_RATE.times(scale))
        self.pairings = Pairings(self.redis)

    # -- who --------------------------------------------------------------------------------------

    def now_ms(self) -> int:
        """Unix time in ms."""
        return self.unix_ms()

    def source_of(self, request: web.Request) -> str:
        """The address a request comes from, seen past the trusted proxies."""
        hops = self.settings.proxies
        if hops:
            named = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
            if len(named) >= hops and named[-hops]:
                return named[-hops]
        return request.remote or "?"

    async def find_holder(self, token: str) -> Holder | None:
        """Whose token it is; remembered for a few seconds."""
        now = time.monotonic()
        known = self._holders.get(token)
        if known is not None and now - known[0] < HOLDER_KEPT_SECONDS:
            return known[1]
        holder = await self._still(await self.sessions.find(token))
        self._holders.pop(token, None)
        if holder is not None:
            self._holders[token] = (now, holder)
            if len(self._holders) > MOST_HOLDERS_KEPT:
                self._holders.popitem(last=False)
        return holder

    async def _still(self, holder: Holder | None) -> Holder | None:
        """A session of staff is worth no more than its account is now."""
        if holder is None or holder.kind != "staff":
            return holder
        async with self.books.read() as tx:
            account = await accounts.find_account(tx, holder.id)
        return None if account is None else staff_holder(account)

    async def open_anew(self, holder: Holder) -> str:
        """A new token for somebody whose rights or proofs changed; all others of the account end."""
        await self.end_sessions(holder.id)
        return await self.sessions.open(holder)

    async def end_sessions(self, account: str) -> int:
        """End every session of an account, here at once; how many there were."""
        for token in [token for token, (_, known) in self._holders.items() if known.id == account]:
            del self._holders[token]
        return await self.sessions.end_all(account)

    async def demand_try(self, tries: Tries, name: str) -> None:
        """Count a guess before it is looked at. Raises RateLimited when there were too many."""
        if wait_s := await self.sessions.take_try(tries, name):
            raise Problem("RateLimited", f"Too many wrong tries: {tries.what}", retry_after_s=wait_s)

    async def forget_token(self, token: str) -> None:
        """The token ends, here at once."""
        self._holders.pop(token, None)
        await self.sessions.end(token)

    async def rotate_token(self, token: str) -> str | None:
        """A new token for the old one."""
        self._holders.pop(token, None)
        return await self.sessions.rotate(token)

    # -- shows -------------------------------------------------------------------------------------

    async def planned(self, show: str) -> schedule.Show:
        """What the books know of a show, at most two seconds old. Raises UnknownShow."""
        known = self._plans.get(show)
        if known is not None and time.monotonic() - known[0] < PLAN_KEPT_SECONDS:
            return known[1]
        async with self.books.read() as tx:
            found = await schedule.find_show(tx, show)
        if found is None:
            raise Problem("UnknownShow")
        if len(self._plans) > 1_000:
            self._plans.clear()
        self._plans[show] = (time.monotonic(), found)
        return found

    def forget_plan(self, show: str) -> None:
        """The books changed: read them again."""
        self._plans.pop(show, None)

    async def feed(self, show: str) -> Feed:
        """The folded show. Raises UnknownShow."""
        feed = self.feeds.at_hand(show)
        return feed if feed is not None else await self.feeds.of(await self.planned(show))

    async def staff_show(self, ask: Ask) -> schedule.Show:
        """The show of the path, for staff of its merchant. Raises UnknownShow or Forbidden."""
        planned = await self.planned(ask.path("show"))
        ask.demand_merchant(planned.merchant)
        return planned

    # -- commands ------------------------------------------------------------------------------------

    async def decide(
        self, ask: Ask, show: str, command: Command, *, key: str | None = None, body: bytes | None = None
    ) -> Accepted:
        """Have the desk decide. `body` is what the caller sent, where the key must be bound to all of it.

        Raises Problem: a refusal by its code, Busy, or NoAnswer.
        """
        try:
            answer = await self.inbox.ask(
                show,
                command,
                actor=ask.who.actor,
                key=key or ask.key,
                fingerprint=None if body is None else self.fingerprint(body),
                trace=ask.trace,
            )
        except Busy as busy:
            raise Problem("Busy", retry_after_s=busy.retry_after) from None
        except NoAnswer:
            raise Problem("NoAnswer") from None
        except Malformed as wrong:
            raise Problem("Malformed", str(wrong)) from None
        if isinstance(answer, Accepted):
            if ask.who.kind == "staff":  # the trail has the version, this line the trace
                name = type(command).__name__
                log.info("decided", trace=ask.trace, show=show, version=answer.version, command=name)
            return answer
        raise refused(answer.refusal)

    def fingerprint(self, body: bytes) -> str:
        """A keyed digest of a body: it tells two apart and says nothing of what is in them."""
        return hmac.digest(self.books.keyring.master, body, "sha256")[:8].hex()

    async def note(self, ask: Ask, act: str, subject: str, *, actor: str = "", **details: Any) -> None:
        """Write a privileged act into the audit trail."""
        async with self.books.begin() as tx:
            await self.note_in(tx, ask, act, subject, actor=actor, **details)

    async def note_in(
        self, tx: AsyncConnection, ask: Ask, act: str, subject: str, *, actor: str = "", **details: Any
    ) -> None:
        """Write a privileged act into the audit trail, in the transaction that does it."""
        told = {**details, "trace": ask.trace}
        await note_act(tx, actor or ask.who.actor, act, subject, details=told, now_ms=ask.now_ms)

    # -- when things go wrong ---------------------------------------------------------------------------

    def foreseen(self, error: Exception) -> Problem:
        """What a caller is told of an error that no handler caught."""
        if isinstance(error, (Broken, PoolTimeout, *STORE_ERRORS)):
            return Problem("Busy", "The store does not answer")
        if isinstance(error, DBAPIError):
            return Problem("Busy", "The books do not answer")
        return Problem("Broken")

    async def aclose(self) -> None:
        """Close everything; listeners first, so that their responses end in order."""
        self.requests.flush()
        await self.feeds.aclose()
        await self.hearts.aclose()
        await self.contacts.aclose()
        await self.relays.aclose()
        await self.inbox.aclose()
        await self.press.aclose()
        for provider in self.providers.values():
            with contextlib.suppress(Exception):
                await provider.close()
        await self.books.close()
        await asyncio.wait_for(self.redis.aclose(), 2)


def staff_holder(account: accounts.Account) -> Holder:
    """Whom a token of this account is made for."""
    return Holder("staff", account.id, account.name, account.role, account.merchant)


def refused(refusal: refusals.Refusal) -> Problem:
    """A refusal of the show as a problem."""
    wire = refusals.to_wire(refusal)
    code = wire.pop("code")
    return Problem(HIDDEN.get(code, code), refusal.detail, {} if code in HIDDEN else wire)
