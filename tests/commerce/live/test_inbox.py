"""Asking: what a front sees when the desk is there, slow, away, or overrun."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable

import pytest

from commerce.desk.clock import RealClock
from commerce.desk.office import Office
from commerce.live import envelope, keys
from commerce.live.inbox import Accepted, Busy, Inbox, Limits, NoAnswer, Refused
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.show.commands import CloseShow, Malformed, PinOffer
from commerce.show.refusals import KeyReused, SoldOut
from commerce.tasks import end
from tests.commerce.shop import opening, order
from tests.servers import Server

SHOW = "s1"
DEFAULT = Limits()


@contextlib.asynccontextmanager
async def a_front(server: Server, limits: Limits = DEFAULT) -> AsyncIterator[Inbox]:
    redis = open_redis(server.url)
    inbox = Inbox(lambda: open_wire(server.url), Roster(redis), limits=limits)
    try:
        yield inbox
    finally:
        await inbox.aclose()
        await redis.aclose()


@pytest.fixture
async def front(valkey: Server) -> AsyncIterator[Inbox]:
    async with a_front(valkey) as inbox:
        yield inbox


@contextlib.asynccontextmanager
async def office(server: Server, incarnation: Callable[[], str] | None = None) -> AsyncIterator[Office]:
    """A desk process's inside, in this loop; it leaves a closed show after 50 ms."""
    redis = open_redis(server.url)
    names = iter(range(1, 1_000))
    connect = functools.partial(open_wire, server.url)
    office = Office(
        Roster(redis), connect, RealClock(), incarnation or (lambda: f"{next(names):016x}"), quiet_ms=50
    )
    work = asyncio.create_task(office.run())
    try:
        yield office
    finally:
        await end([work])
        await office.stop()
        await redis.aclose()


@pytest.fixture
async def desk(valkey: Server) -> AsyncIterator[Office]:
    async with office(valkey) as running:
        yield running


async def test_a_fault_of_the_desk_costs_a_tenure_and_not_the_show(own_server: Server) -> None:
    names = iter(range(3))

    def faulty() -> str:
        number = next(names)
        if number == 0:
            raise RuntimeError("a fault that nobody foresaw")
        return f"{number:016x}"

    async with office(own_server, faulty) as running, a_front(own_server) as front:
        await open_show(front)
        assert running.broken == {}
    assert next(names) == 2, "it failed once and was begun again"


async def open_show(front: Inbox, units: int = 10) -> None:
    for number, command in enumerate(opening(units)):
        assert isinstance(await front.ask(SHOW, command, actor="host", key=str(number)), Accepted)


async def test_every_caller_gets_the_own_answer(front: Inbox, desk: Office) -> None:
    await open_show(front, 300)
    answers = await asyncio.gather(
        *(front.ask(SHOW, order(f"o{n}", f"b{n}"), actor=f"b{n}", key="k") for n in range(600))
    )
    for number, answer in enumerate(answers):
        if number < 300:
            assert isinstance(answer, Accepted)
            assert answer.result["order"] == f"o{number}"
        else:
            assert isinstance(answer, Refused)
            assert answer.refusal == SoldOut("single", 0)
    assert front.waiting == 0


async def test_the_same_key_gets_the_same_answer(front: Inbox, desk: Office) -> None:
    await open_show(front)
    first = await front.ask(SHOW, order("o1"), actor="ann", key="k")
    again = await front.ask(
        SHOW, order("another id for the same wish".replace(" ", "-")), actor="ann", key="k"
    )
    assert first == again
    other = await front.ask(SHOW, order("o2", quantity=2), actor="ann", key="k")
    assert isinstance(other, Refused)
    assert other.refusal == KeyReused()


async def test_a_malformed_command_never_leaves_the_front(front: Inbox, valkey: Server) -> None:
    for command in (order("o1", quantity=0), order("o 1"), order("", price=-1), PinOffer("x", 2**32)):
        with pytest.raises(Malformed):
            await front.ask(SHOW, command, actor="ann", key="k")
    assert valkey.command("EXISTS", keys.inbox(SHOW)) == b":0\r\n"


async def test_a_desk_that_is_away_is_no_answer_and_the_wish_may_be_repeated(valkey: Server) -> None:
    async with a_front(valkey, Limits(patience_seconds=0.05)) as hasty:
        with pytest.raises(NoAnswer):
            await hasty.ask(SHOW, opening()[0], actor="host", key="k")
    async with a_front(valkey) as patient, office(valkey):
        assert isinstance(await patient.ask(SHOW, opening()[0], actor="host", key="k"), Accepted)


async def test_a_full_inbox_is_busy_and_takes_nothing(valkey: Server) -> None:
    async with a_front(valkey, Limits(inbox_entries=3, patience_seconds=0.7)) as front:
        for number in range(4):
            with pytest.raises(NoAnswer):
                await front.ask(SHOW, order(f"o{number}"), actor="ann", key=f"k{number}")
        with pytest.raises(Busy):
            await front.ask(SHOW, order("o9"), actor="ann", key="k9")
    assert valkey.command("XLEN", keys.inbox(SHOW)) == b":4\r\n"


async def test_too_many_callers_are_told_so_at_once(valkey: Server) -> None:
    async with a_front(valkey, Limits(callers=1)) as front:
        waiting = asyncio.create_task(front.ask(SHOW, order("o1"), actor="ann", key="k"))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await front.ask(SHOW, order("o2"), actor="ann", key="k2")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def test_a_desk_leaves_no_letter_behind(front: Inbox, desk: Office, valkey: Server) -> None:
    await open_show(front)
    for _ in range(3_000):
        if valkey.command("XLEN", keys.inbox(SHOW)) == b":0\r\n":
            return
        await asyncio.sleep(0.01)
    raise AssertionError("answered letters were not trimmed")


async def test_an_illegible_letter_is_stepped_over(front: Inbox, desk: Office, valkey: Server) -> None:
    await open_show(front)
    valkey.command("XADD", keys.inbox(SHOW), "*", "front", "x", "commands", "nonsense")
    valkey.command("XADD", keys.inbox(SHOW), "*", "something", "else")
    assert isinstance(await front.ask(SHOW, order("o1"), actor="ann", key="k"), Accepted)
    assert desk.shifts[SHOW].tally.illegible == 2


async def test_a_command_that_no_gate_saw_is_refused_by_name(
    front: Inbox, desk: Office, valkey: Server
) -> None:
    """A front of another version may write what this desk does not know."""
    await open_show(front)
    wire = open_wire(valkey.url)
    deadline = await wire.now_ms() + 60_000
    asks = [
        envelope.Ask(1, "a", "k1", "f", deadline, "", "MakeTea", {}),
        envelope.Ask(2, "a", "k2", "f", deadline, "", "PinOffer", {"offer": 7}),
    ]
    await wire.knock(keys.inbox(SHOW), [envelope.seal("elsewhere", asks)])
    entries = await wire.wait(keys.answers(SHOW, "elsewhere"), "0-0", 1, 30_000)
    replies = envelope.unseal_replies(entries[0])
    await wire.aclose()
    assert [(reply.ticket, reply.accepted, reply.body["code"]) for reply in replies] == [
        (1, False, "Malformed"),
        (2, False, "Malformed"),
    ]
    assert "PinOffer.offer" in replies[1].body["why"]


async def test_a_closed_show_leaves_the_roster_and_comes_back_when_asked(
    front: Inbox, desk: Office, valkey: Server
) -> None:
    await open_show(front)
    assert isinstance(await front.ask(SHOW, CloseShow(), actor="host", key="close"), Accepted)
    for _ in range(3_000):
        if SHOW not in desk.shifts and valkey.command("SCARD", keys.OPEN_SHOWS) == b":0\r\n":
            break
        await asyncio.sleep(0.01)
    assert SHOW not in desk.shifts
    async with a_front(valkey) as another:
        late = await another.ask(SHOW, order("o1"), actor="ann", key="late")
    assert isinstance(late, Refused)
    assert late.refusal.code == "ShowNotOpen"
