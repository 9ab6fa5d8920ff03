"""What must hold after any evening, however bad the weather: the log against everybody's journal."""

from __future__ import annotations

from collections import Counter

from commerce.live import keys
from commerce.live.envelope import Accepted, Answer, Refused
from commerce.live.log import decode
from commerce.live.wire import Entry
from commerce.show import commands as c
from commerce.show import events as e
from commerce.show import refusals as r
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.state import State, fresh
from tests.simulation.people import SHOW, Journal


class Broken(AssertionError):
    """A law does not hold."""


def demand(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)


def judge(written: list[Entry], journal: Journal, units: int) -> State:
    """Hold every law; the state at the end."""
    demand(not journal.alarms, f"alarms: {journal.alarms}")
    commits = [decode(entry) for entry in written]
    state = fresh(SHOW)
    for commit in commits:
        fold(state, commit)  # gaps, alien commits and pools below zero are raised here
        _never_oversold(state, units)
    demand(state.stage == "closed", f"the show ended {state.stage}")
    events = [(commit.version, event) for commit in commits for event in commit.events]
    _nobody_was_told_two_things(journal)
    _what_was_acknowledged_stands(events, journal)
    _nothing_is_doubled(events)
    _stock_is_where_it_belongs(state, units)
    _money_is_where_it_belongs(events, journal)
    _time_never_goes_back(commits)
    return state


def _never_oversold(state: State, units: int) -> None:
    """Counted anew from the orders, not from the pools that decide keeps."""
    kept = Counter[str]()
    for order in state.orders.values():
        if order.state in ("awaiting_payment", "paid"):
            for line in order.lines:
                kept[line.offer] += line.quantity
    demand(kept["single"] + 2 * kept["pair"] + kept["rare"] <= units, f"oversold at {state.version}: {kept}")
    demand(kept["rare"] <= 2, f"over the cap at {state.version}: {kept}")


def _said(answers: list[Answer]) -> list[Answer]:
    """Answers that are the last word on a wish: TooLate is none."""
    return [a for a in answers if not (isinstance(a, Refused) and isinstance(a.refusal, r.TooLate))]


def _nobody_was_told_two_things(journal: Journal) -> None:
    for wish, answers in journal.answers.items():
        accepted = {(a.version, str(a.result)) for a in answers if isinstance(a, Accepted)}
        demand(len(accepted) <= 1, f"{wish} was accepted twice: {answers}")
        demand(not (accepted and any(isinstance(a, Refused) for a in _said(answers))), f"{wish}: {answers}")


def _what_was_acknowledged_stands(events: list[tuple[int, e.Event]], journal: Journal) -> None:
    accepted = {(v.actor, v.key): n for n, v in events if isinstance(v, e.CommandAccepted)}
    placed = {event.order for _, event in events if isinstance(event, e.OrderPlaced)}
    for wish, answers in journal.answers.items():
        command = journal.wishes[wish]
        for answer in _said(answers):
            if isinstance(answer, Accepted):
                demand(accepted.get(wish) == answer.version, f"{wish} was acknowledged and is lost")
                if isinstance(command, c.PlaceOrder):
                    demand(command.order in placed, f"order of {wish} is lost")
            elif isinstance(command, c.PlaceOrder):
                demand(command.order not in placed, f"{wish} was refused and placed")


def _nothing_is_doubled(events: list[tuple[int, e.Event]]) -> None:
    for kind, name in ((e.OrderPlaced, "order"), (e.OrderPaid, "order"), (e.StockAllotted, "allotment")):
        count = Counter(getattr(event, name) for _, event in events if isinstance(event, kind))
        demand(not count or max(count.values()) == 1, f"{kind.__name__} doubled: {count}")
    wishes = Counter((v.actor, v.key) for _, v in events if isinstance(v, e.CommandAccepted))
    demand(max(wishes.values()) == 1, f"accepted twice: {wishes}")


def _stock_is_where_it_belongs(state: State, units: int) -> None:
    sold = sum(pool.sold for pool in state.pools.values())
    returned = sum(allotment.returned for allotment in state.allotments.values())
    held = sum(pool.held for pool in state.pools.values())
    demand((held, sold + returned) == (0, units), f"held {held}, sold {sold}, returned {returned} of {units}")


def _money_is_where_it_belongs(events: list[tuple[int, e.Event]], journal: Journal) -> None:
    """Every payment that the bank was thanked for is either an order's or due back, once."""
    ends = Counter(event.payment for _, event in events if isinstance(event, e.OrderPaid | e.RefundDue))
    demand(not ends or max(ends.values()) == 1, f"a payment ended twice: {ends}")
    for wish, answers in journal.answers.items():
        command = journal.wishes[wish]
        if isinstance(command, c.RecordPayment) and command.outcome == "succeeded":
            thanked = any(isinstance(answer, Accepted) for answer in answers)
            demand(not thanked or ends[command.payment] == 1, f"payment of {wish} is lost")


def _time_never_goes_back(commits: list[Commit]) -> None:
    times = [commit.at for commit in commits]
    demand(times == sorted(times), "a commit lies before its predecessor in time")


def log_key() -> str:
    return keys.log(SHOW)
