"""A desk's work on one show, step by step, on a server and a clock in memory."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import structlog

from commerce.desk.shift import GIVE_UP_AFTER_MS, LEASE_MS, Shift
from commerce.live import keys
from commerce.live.envelope import Accepted, Refused
from commerce.live.log import Log, decode
from commerce.live.snapshot import Snapshots
from commerce.live.wire import Entry, Outdated
from commerce.show import events as e
from commerce.show.commit import Commit
from commerce.show.evolve import BrokenLog
from commerce.show.refusals import TooLate
from tests.commerce.shop import HOLD_SECONDS, order, payment
from tests.simulation.hall import SHOW, Hall
from tests.simulation.world import World, WorldClock, WorldWire


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.mark.parametrize("fate", ["lost", "late", "unanswered"])
def test_an_append_of_unknown_outcome_is_looked_up_and_counts_once(hall: Hall, fate: str) -> None:
    shift, _ = hall.desk()
    hall.open()
    hall.wires[0].fate = fate
    answer = hall.ask(order("o1"), "k")
    hall.run(5)
    assert isinstance(answer, Accepted)
    assert shift.tally.lookups == 1
    placed = [event for commit in hall.log() for event in commit.events if isinstance(event, e.OrderPlaced)]
    assert len(placed) == 1
    assert shift.tally.tenures == 1, "nothing was in doubt, so nobody stepped down"


@pytest.mark.parametrize("fate", ["lost", "unanswered"])
def test_an_answer_is_there_as_soon_as_its_commit_and_never_without_it(hall: Hall, fate: str) -> None:
    hall.desk()
    hall.open()
    top = len(hall.log())
    hall.wires[0].fate = fate
    front = hall.send(order("o1"), "k")
    while len(hall.log()) == top:
        assert hall.answers(front) == []
        hall.world.step()
    (answer,) = hall.answers(front)
    assert answer.version == len(hall.log())


@pytest.mark.parametrize("fate", [None, "lost", "late", "unanswered"])
def test_the_next_commit_is_decided_but_not_sent_while_one_is_under_way(hall: Hall, fate: str | None) -> None:
    shift, process = hall.desk(most=1)
    hall.open()
    process.frozen_until_ms = hall.world.time_ms + 100
    fronts = [hall.send(order(f"o{n}", f"b{n}"), "k", actor=f"b{n}") for n in range(5)]
    hall.wires[0].fate = fate
    hall.until(lambda: all(hall.answers(front) for front in fronts))
    hall.run(5)
    told = [hall.answers(front)[-1] for front in fronts]
    assert [answer.version for answer in told] == list(range(told[0].version, told[0].version + 5))
    assert all(isinstance(answer, Accepted) for answer in told)
    assert sorted(hall.state().orders) == ["o0", "o1", "o2", "o3", "o4"]
    assert (shift.tally.tenures, shift.tally.lookups) == (1, int(fate is not None))


def test_what_was_decided_ahead_is_forgotten_when_the_commit_under_way_falls(hall: Hall) -> None:
    first, sleeper = hall.desk(most=1)
    hall.open()
    sleeper.frozen_until_ms = hall.world.time_ms + 100
    fronts = [hall.send(order(f"o{n}", f"b{n}"), "k", actor=f"b{n}") for n in range(3)]
    while first.tally.inbox_lag == 0:
        hall.world.step()
    sleeper.frozen_until_ms = hall.world.time_ms + 2 * LEASE_MS
    hall.desk()
    hall.until(lambda: all(hall.answers(front) for front in fronts))
    hall.run(8)
    assert sorted(hall.state().orders) == ["o0", "o1", "o2"]
    assert len({str(answer) for front in fronts for answer in hall.answers(front)}) == 3
    assert first.tally.tenures == 1


def test_nothing_is_answered_before_its_commit_stands(hall: Hall) -> None:
    hall.desk()
    hall.open(1)
    for command in (order("o1"), order("o2", "bob"), order("o3", price=7)):
        front = hall.send(command, "k", actor=command.buyer + command.order)
        while not hall.answers(front):
            top = len(hall.log())
            hall.world.step()
        (answer,) = hall.answers(front)
        assert answer.version <= top + 1 == len(hall.log()) + (len(hall.log()) == top)


def test_refusals_alone_are_a_commit_too(hall: Hall) -> None:
    hall.desk()
    hall.open(0 + 1)
    answer = hall.ask(order("o1", price=7), "k")
    assert isinstance(answer, Refused)
    assert [type(event) for event in hall.log()[answer.version - 1].events] == [e.CommandRefused]


def test_a_second_desk_waits_and_takes_over_within_three_seconds(hall: Hall) -> None:
    _, first = hall.desk()
    hall.open()
    second, _ = hall.desk()
    hall.run(5)
    assert second.tally.tenures == 0
    hall.world.kill(first)
    began = hall.world.time_ms
    assert isinstance(hall.ask(order("o1"), "k"), Accepted)
    assert hall.world.time_ms - began < 3_000
    assert hall.log()[-1].prev_by != hall.log()[-1].by


def test_a_desk_that_wakes_up_after_its_lease_is_fenced(hall: Hall) -> None:
    first, sleeper = hall.desk()
    hall.open()
    second, _ = hall.desk()
    front = hall.send(order("o1"), "k1")
    while first.tally.inbox_lag == 0:  # it has read the letter; now it falls asleep
        hall.world.step()
    sleeper.frozen_until_ms = hall.world.time_ms + 2 * LEASE_MS
    assert isinstance(hall.ask(order("o2", "bob"), "k2", actor="bob"), Accepted)
    hall.run(8)
    assert second.tally.commits > 0
    (answer,) = {str(answer): answer for answer in hall.answers(front)}.values()
    assert isinstance(answer, Accepted)
    state = hall.state()
    assert sorted(state.orders) == ["o1", "o2"]
    assert first.tally.tenures == 1


def test_a_standby_follows_and_has_nothing_to_read_but_the_end(hall: Hall) -> None:
    _, first = hall.desk()
    hall.open()
    standby, _ = hall.desk()
    hall.run(3)
    wire = hall.wires[1]
    assert wire.thawed == 2, "there are two snapshots to ask for, once"
    for number in range(5):
        assert isinstance(hall.ask(order(f"o{number}"), f"k{number}"), Accepted)
    wire.thaw_ms = 60_000  # nobody must wait for that now
    front = hall.send(order("o9"), "k9", deadline_ms=10_000)
    hall.world.kill(first)
    killed_at = hall.world.time_ms
    hall.until(lambda: bool(hall.answers(front)))
    assert hall.world.time_ms - killed_at < LEASE_MS + 100
    assert (standby.tally.tenures, wire.thawed) == (1, 2)
    assert len(hall.state().orders) == 6


def test_a_standby_does_not_write_on_behind_what_the_server_lost(hall: Hall) -> None:
    _, first = hall.desk()
    hall.open()
    assert isinstance(hall.ask(order("o1"), "k1"), Accepted)
    hall.desk()
    hall.run(3)
    hall.world.kill(first)
    log = hall.world.server.stream(keys.log(SHOW))
    log.ids.pop(), log.fields.pop()
    log.top = log.ids[-1]
    assert isinstance(hall.ask(order("o2"), "k2", deadline_ms=10_000), Accepted)
    assert [commit.version for commit in hall.log()] == list(range(1, len(hall.log()) + 1)), "no gap"
    assert "o2" in hall.state().orders


def test_a_lease_from_before_the_clock_was_set_back_keeps_nobody_out(hall: Hall) -> None:
    """It would have run for another hour, and the show been without a desk for as long."""
    _, first = hall.desk()
    hall.open()
    hall.world.kill(first)
    hall.world.server.now_ms = lambda: int(hall.world.time_ms) - 3_600_000
    standby, _ = hall.desk()
    assert isinstance(hall.ask(order("o1"), "k"), Accepted)
    assert standby.tally.tenures == 1


def test_a_standby_lets_a_desk_go_on_that_was_only_slow(hall: Hall) -> None:
    shift, slow = hall.desk()
    hall.open()
    standby, _ = hall.desk()
    hall.run(2)
    slow.frozen_until_ms = hall.world.time_ms + GIVE_UP_AFTER_MS - 100
    hall.run(5)
    assert isinstance(hall.ask(order("o1"), "k"), Accepted)
    assert (shift.tally.tenures, standby.tally.tenures) == (1, 0)


def test_a_desk_gives_up_before_its_lease_runs_out() -> None:
    assert GIVE_UP_AFTER_MS < LEASE_MS


def test_a_new_desk_answers_what_the_old_one_had_committed(hall: Hall) -> None:
    _, process = hall.desk()
    hall.open()
    front = hall.send(order("o1"), "k")
    hall.until(lambda: bool(hall.answers(front)))
    hall.world.kill(process)
    del hall.world.server.streams[keys.answers(SHOW, front)]  # the commit stands, the answer was lost
    assert hall.answers(front) == []
    hall.desk()
    hall.until(lambda: bool(hall.answers(front)))
    (answer,) = hall.answers(front)
    assert isinstance(answer, Accepted)
    assert answer.version == len(hall.log())


def test_a_short_absence_extends_nothing_a_long_one_all_holds(hall: Hall) -> None:
    _, process = hall.desk()
    hall.open()
    first = hall.ask(order("o1"), "k")
    assert isinstance(first, Accepted)
    hall.world.kill(process)
    hall.run(4)
    _, process = hall.desk()
    hall.run(1)
    assert not any(isinstance(event, e.HoldsExtended) for commit in hall.log() for event in commit.events)
    hall.world.kill(process)
    hall.run(60)
    hall.desk()
    hall.run(2)
    extended = [v for commit in hall.log() for v in commit.events if isinstance(v, e.HoldsExtended)]
    assert len(extended) == 1
    assert 59_000 < extended[0].ms < 63_000
    assert hall.state().orders["o1"].held_until == first.result["held_until"] + extended[0].ms


def test_a_hold_survives_an_absence_longer_than_itself(hall: Hall) -> None:
    _, process = hall.desk()
    hall.open()
    hall.ask(order("o1"), "k")
    hall.world.kill(process)
    hall.run(3 * HOLD_SECONDS)
    hall.desk()
    assert isinstance(hall.ask(payment("o1"), "p", actor="bank"), Accepted)
    assert hall.state().orders["o1"].state == "paid"


def test_holds_lapse_by_themselves_when_nobody_asks_anything(hall: Hall) -> None:
    hall.desk()
    hall.open()
    answer = hall.ask(order("o1"), "k")
    assert isinstance(answer, Accepted)
    hall.run(HOLD_SECONDS + 1)
    lapsed = hall.log()[-1]
    assert lapsed.events == (e.OrderLapsed("o1"),)
    assert 0 <= lapsed.at - answer.result["held_until"] < 100


def test_a_letter_that_waited_too_long_is_not_done(hall: Hall) -> None:
    _, process = hall.desk()
    hall.open()
    hall.world.kill(process)
    hall.run(3)
    front = hall.send(order("o1"), "k", deadline_ms=1_000)
    hall.run(2)
    hall.desk()
    hall.until(lambda: bool(hall.answers(front)))
    assert [a.refusal for a in hall.answers(front) if isinstance(a, Refused)] == [TooLate()]
    assert hall.state().orders == {}


def test_a_desk_begins_from_a_snapshot_when_the_log_is_trimmed(hall: Hall) -> None:
    _, process = hall.desk()
    hall.open()
    hall.ask(order("o1"), "k")
    wire = WorldWire(hall.world)
    hall.world.start("archivist", _archive(wire))
    hall.run(2)
    assert hall.world.server.length(keys.log(SHOW)) < 5
    hall.world.kill(process)
    hall.desk()
    again = hall.ask(order("o1"), "k")
    assert isinstance(again, Accepted)
    assert again.version == 5


async def _archive(wire: WorldWire) -> None:
    snapshots = Snapshots(wire)
    for _ in range(2):
        await snapshots.write(await snapshots.load(SHOW))
    await snapshots.trim(SHOW, 4)


# -- why there is never more than one append in flight -------------------------------------------------


def test_a_stale_desk_that_pipelined_would_slip_in_and_readers_raise_the_alarm(hall: Hall) -> None:
    """A stale desk with 4, 5 and 6 in flight: 4 is refused, 5 and 6 stand, and the ids have no gap."""
    server = hall.world.server
    for version in (1, 2, 3):
        server.append(
            keys.log(SHOW), f"{version}-0", _entry(version, "stale", "stale" if version > 1 else "")
        )
    server.append(keys.log(SHOW), "4-0", _entry(4, "fresh", "stale"))
    with pytest.raises(Outdated):
        server.append(keys.log(SHOW), "4-0", _entry(4, "stale", "stale"))
    for version in (5, 6):
        server.append(keys.log(SHOW), f"{version}-0", _entry(version, "stale", "stale"))
    commits = hall.log()
    assert [commit.version for commit in commits] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(BrokenLog, match="commit 5"):
        hall.state()
    told: list[int] = []
    with pytest.raises(BrokenLog, match="commit 5"):
        _drive(hall.world, _follow(WorldWire(hall.world), told))
    assert told == [1, 2, 3, 4]


def test_a_desk_does_not_go_on_behind_a_broken_log(hall: Hall) -> None:
    hall.world.server.append(keys.log(SHOW), "1-0", _entry(1, "one", ""))
    hall.world.server.append(keys.log(SHOW), "2-0", _entry(2, "two", "three"))
    shift = Shift(SHOW, WorldWire(hall.world), WorldClock(hall.world), lambda: "a" * 16)
    with pytest.raises(BrokenLog):
        _drive(hall.world, shift.run())


def _entry(version: int, by: str, prev_by: str) -> dict[str, bytes]:
    from commerce.live.log import encode

    return encode(Commit(version, by, prev_by, 1_800_000_000_000 + version, "0-0", ()))


async def _follow(wire: WorldWire, told: list[int]) -> None:
    async for commit in Log(wire).follow(SHOW, 0):
        told.append(commit.version)


def _drive(world: World, body: Coroutine[Any, Any, None]) -> None:
    world.start("alone", body)
    while world.step():
        continue


def test_an_entry_of_another_format_is_not_believed() -> None:
    for fields in ({"format": b"2"}, {}, {"format": b"1"}, {"format": b"1", "events": b"\xff", "by": b"x"}):
        with pytest.raises(BrokenLog):
            decode(Entry("1-0", fields))
    with pytest.raises(BrokenLog):
        decode(Entry("1-5", _entry(1, "a", "")))
