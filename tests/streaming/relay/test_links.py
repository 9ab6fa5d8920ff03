"""One relay's links to others, without a network: what ends them, and what does not."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from streaming.contract import RelayEntry, RelayId, ShowId, Stage, StudioId
from streaming.relay.giving import Giving
from streaming.relay.upstream import CHECK_SECONDS, SILENT_SECONDS, STALLED_SECONDS, Upstreams

SHOW, STUDIO = ShowId("sh-1"), StudioId("st-1")


class Street:
    """A clock, a neighbour that has the studio, and a caller that nobody gets as far as to ask."""

    def __init__(self) -> None:
        self.now = 100.0
        self.unix_ms = 0
        self.asked = 0
        self.upstreams = Upstreams(RelayId("r0"), self, lambda: self.now, lambda: self.unix_ms, self.token)  # type: ignore[arg-type]  # see above
        self.has = RelayEntry(RelayId("r1"), "http://192.0.2.1", 0, 0, 0.0, (SHOW,), studios=(STUDIO,))
        self.upstreams.neighbours([self.has])

    def token(self) -> str:
        self.asked += 1
        raise ValueError("no token at all is in the file")

    def redial(self, session: Any) -> None:
        pass


class OnAir:
    """What a relay shows just now, and what the shop wishes."""

    def __init__(self, studio: str | None, *, pulled: bool) -> None:
        self.show, self.studio, self.pulled = SHOW, studio, pulled
        self.stages = {SHOW: Stage(SHOW, 2, True, STUDIO)}


@pytest.mark.parametrize(
    ("on_air", "steps"),
    [
        (OnAir(STUDIO, pulled=False), 0),
        (OnAir(STUDIO, pulled=True), None),  # the studio came here, and its keyframe is awaited
        (OnAir("st-2", pulled=True), None),
        (OnAir("st-2", pulled=False), None),
        (OnAir(None, pulled=False), None),
    ],
)
async def test_nothing_is_given_on_but_what_the_shop_wishes_and_is_on_air(
    on_air: OnAir, steps: int | None
) -> None:
    """Else a relay that awaits its studio's keyframe would give back what it still has from the asker."""
    giving = Giving({STUDIO: None}, on_air, lambda: 0.0)  # type: ignore[arg-type,dict-item]  # what it looks at
    giving.upstreams = Street().upstreams
    assert giving.steps(on_air, RelayId("r9")) == steps  # type: ignore[arg-type]  # the same


class Held:
    """A session that is open."""

    reason = ""


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (a task of its own, without an event)
            await asyncio.sleep(0.01)


async def test_a_fault_that_nobody_foresaw_is_one_failed_call_and_no_end_of_calling() -> None:
    street = Street()
    stage = Stage(SHOW, 1, True, STUDIO)
    task = asyncio.create_task(street.upstreams.run(lambda: [stage], lambda studio: False))
    street.upstreams.want(SHOW)
    for calls in (1, 2, 3):
        await until(lambda: street.asked >= calls)  # noqa: B023 (called at once)
        await until(lambda: SHOW not in street.upstreams.links or street.asked > calls)  # noqa: B023 (the same)
        assert street.upstreams.expects(SHOW, STUDIO)  # it has it all the same: no slate for one refusal
        street.now += 1.0
    street.upstreams.neighbours([])
    assert not street.upstreams.expects(SHOW, STUDIO) or SHOW in street.upstreams.links
    assert street.upstreams.refused >= 3
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_link_is_not_given_up_for_a_silence_of_our_own() -> None:
    street, heard_s = Street(), 100.0
    holding = asyncio.create_task(street.upstreams._hold(Held(), lambda: heard_s))  # type: ignore[arg-type]  # open
    await asyncio.sleep(2 * CHECK_SECONDS)
    street.now += 10.0  # the process was stopped; what came meanwhile is read next
    await asyncio.sleep(4 * CHECK_SECONDS)
    assert not holding.done()
    async with asyncio.timeout(30):
        while not holding.done():  # and now nothing comes, while we listen
            street.now += min(STALLED_SECONDS, SILENT_SECONDS) / 2
            await asyncio.sleep(2 * CHECK_SECONDS)
    with pytest.raises(TimeoutError):
        holding.result()


def test_a_registry_that_cannot_be_read_ends_no_pulling() -> None:
    street = Street()
    street.upstreams.want(SHOW)
    street.unix_ms += 60_000  # Redis is away; nobody is told of any relay
    assert street.upstreams.source_of(STUDIO) is not None
    assert street.upstreams.expects(SHOW, STUDIO)
    assert street.upstreams.others() == []  # but nobody is sent there
    street.upstreams.neighbours([street.has])  # it can be read again, and that relay has not been seen since
    assert street.upstreams.source_of(STUDIO) is None
