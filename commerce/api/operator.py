"""For whoever runs it: health, figures, status. Health and figures need no token and tell no business."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web
from msgspec import Struct

from commerce.api import answered, answered_access
from commerce.api.ask import Ask
from commerce.api.asked import FactorReset
from commerce.api.problems import Problem
from commerce.api.proof import demand_password, prove
from commerce.books import audit, second_factor
from commerce.books.accounts import account_named
from commerce.live.sessions import CODES, STORE_ERRORS


async def read_health(ask: Ask) -> web.Response:
    """200 while this process can do its work, else 503 with what is wrong."""
    problems = []
    try:
        await ask.house.redis.ping()
    except STORE_ERRORS:
        problems.append("the live state does not answer")
    if ask.house.feeds.stopped:
        problems.append("a log could not be followed")
    health = answered.Health(ok=not problems, problems=problems)
    return web.json_response({"ok": health.ok, "problems": health.problems}, status=503 if problems else 200)


async def read_metrics(ask: Ask) -> web.Response:
    """Figures for Prometheus."""
    house = ask.house
    meters, feeds = house.meters, house.feeds.all()
    meters.gauges = {
        "listeners": sum([len(feed.crowd) for feed in feeds]),
        "listeners_dropped": sum([feed.crowd.dropped for feed in feeds]),
        "inbox_waiting": house.inbox.waiting,
        "feeds": len(feeds),
        "feeds_stopped": house.feeds.stopped,
        "rate_limited": house.by_source.refused + house.by_account.refused + house.sign_ins.refused,
    }
    return web.Response(body=meters.text(), headers={"Content-Type": "text/plain; version=0.0.4"})


async def read_trail(ask: Ask) -> Struct:
    """Privileged acts of all staff, newest first."""
    query = ask.query
    async with ask.house.books.read() as tx:
        acts = await audit.list_acts(
            tx, name=query.name, act=query.act, subject=query.subject, before=query.before
        )
    following = acts[-1].number if len(acts) == audit.MOST_ACTS else None
    return answered_access.Trail(acts=[answered_access.Act(**asdict(act)) for act in acts], next=following)


async def reset_second_factor(ask: Ask, body: FactorReset) -> Struct:
    """Take the second factor of somebody off who lost it, and end their sessions.

    Password and code are the operator's. One's own is not taken off so: `python -m commerce.reset` does
    that on the machine.
    """
    house = ask.house
    await demand_password(ask, body.password)
    await prove(ask, ask.who, body.code)
    async with house.books.begin() as tx:
        account = await account_named(tx, body.name)
        if account is None:
            raise Problem("UnknownAccount")
        if account.id == ask.who.id:
            raise Problem("Forbidden", "Another operator has to do this, or a command on the machine")
        if not await second_factor.reset(tx, account.id):
            raise Problem("NoSecondFactor")
        await house.note_in(tx, ask, "ResetSecondFactor", account.id)
        ended = await house.end_sessions(account.id)
    await house.sessions.forget_tries(CODES, account.id)
    return answered_access.FactorGone(account=account.id, sessions=ended)


async def read_status(ask: Ask) -> Struct:
    """The shows that this process follows, the relays that live, and what an operator must know."""
    house = ask.house
    shows = [
        {
            "id": feed.state.show,
            "version": feed.state.version,
            "state": feed.state.stage,
            "listeners": len(feed.crowd),
            "dropped": feed.crowd.dropped,
            "age_ms": max(0, ask.now_ms - feed.state.at) if feed.state.version else None,
        }
        for feed in house.feeds.all()
    ]
    relays = [
        {"id": relay.relay, "url": relay.url, "viewers": relay.viewers, "load": relay.load}
        for relay in await house.relays.living()
    ]
    return answered.Status(
        warnings=house.warnings,
        shows=shows,
        relays=relays,
        clients=sum([len(feed.crowd) for feed in house.feeds.all()]),
    )
