"""One batch of commands becomes one commit and its replies. Knows no Redis and no clock.

The state runs ahead: after `propose` it is the one behind the proposed commit. Whoever cannot append
the commit must throw the state away. No reply may leave before the commit stands, not even a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import structlog

from commerce.desk import native
from commerce.live.envelope import Ask, Letter, Reply
from commerce.show import commands as c
from commerce.show import events as e
from commerce.show import refusals as r
from commerce.show.commit import Commit
from commerce.show.decide import decide, decide_outage, decide_time
from commerce.show.evolve import begin, evolve
from commerce.show.state import Outcome, State

log = structlog.get_logger("desk")

_new: Final = tuple.__new__  # of a named tuple: less than half of what calling it costs


class Proposal(NamedTuple):
    """A commit to append, and what to tell each front once it stands."""

    commit: Commit
    replies: dict[str, list[Reply]]


def propose(
    state: State,
    by: str,
    letters: Sequence[Letter],
    now: int,
    outage_ms: int = 0,
    *,
    place: native.Place = native.place,
) -> Proposal | None:
    """Decide all letters at Redis time `now`, in order, after what time alone brings; None if nothing is due.

    Letters must lie behind `state.inbox`. `outage_ms` is how long the show had no desk, if too long.
    `place` is asked first: it may answer what it can answer faster. Where a clock was set back the log's time
    stands still until it is reached again, and deadlines, which are in the clock's time, grow by as much.
    """
    set_back = max(0, state.at - now)
    now += set_back
    # After an outage the holds first grow; what still lapses then does so in the next commit.
    due = decide_outage(state, outage_ms) or decide_time(state, now)
    if not due and not letters:
        return None
    version, prev_by = state.version + 1, state.by
    begin(state, version, now)
    events: list[e.Event] = []
    for event in due:
        evolve(state, event)
        events.append(event)
    replies: dict[str, list[Reply]] = {}
    for letter in letters:
        mine = replies.setdefault(letter.front, [])
        native.near(state, letter.asks)
        for ask in _delayed(letter.asks, set_back) if set_back else letter.asks:
            mine.append(place(state, ask, now, events) or _answer(state, ask, now, events))
    state.by = by
    if letters:
        state.inbox = letters[-1].id
    return Proposal(Commit(version, by, prev_by, now, state.inbox, tuple(events)), replies)


def remind(state: State, letters: Sequence[Letter]) -> dict[str, list[Reply]]:
    """Replies to letters that a commit has long taken into account: the desk that wrote it may have died
    before it answered. Only what is remembered is said."""
    replies: dict[str, list[Reply]] = {}
    for letter in letters:
        for ask in letter.asks:
            known = state.recall(ask.actor, ask.key)
            if known is not None and known.fingerprint == ask.fingerprint:
                replies.setdefault(letter.front, []).append(_again(ask, known))
    return replies


def _delayed(asks: Sequence[Ask[Any]], by_ms: int) -> list[Ask[Any]]:
    return [ask._replace(deadline=ask.deadline + by_ms) for ask in asks]


def _again(ask: Ask[Any], known: Outcome) -> Reply:
    return Reply(ask.ticket, known.version, known.accepted, known.body)


def _answer(state: State, ask: Ask[Any], now: int, events: list[e.Event]) -> Reply:
    ticket, actor, key, fingerprint, deadline, _, name, body = ask
    known = state.recall(actor, key)
    if known is not None:
        if known.fingerprint == fingerprint:
            return _again(ask, known)
        return _refuse(state, ask, r.KeyReused(), events)
    if now > deadline:
        return _refuse(state, ask, r.TooLate(), events)
    try:
        command = c.from_wire(name, body)
    except c.Malformed as wrong:
        return _refuse(state, ask, r.Misshapen(str(wrong)), events)
    try:
        decision = decide(state, command, now)
    except Exception:  # rules touch nothing: the command falls, the show goes on
        log.exception("a rule broke", show=state.show, version=state.version, command=name, key=key)
        return _refuse(state, ask, r.Undecided(), events)
    if isinstance(decision, r.Refusal):
        return _refuse(state, ask, decision, events)
    for event in decision:
        evolve(state, event)
        events.append(event)
    result = _result(state, command, decision)
    accepted = e.CommandAccepted(actor, key, fingerprint, name, result)
    evolve(state, accepted)
    events.append(accepted)
    return _new(Reply, (ticket, state.version, True, result))


def _refuse(state: State, ask: Ask[Any], refusal: r.Refusal, events: list[e.Event]) -> Reply:
    body = r.to_wire(refusal)
    refused = e.CommandRefused(ask.actor, ask.key, ask.fingerprint, ask.name, body)
    evolve(state, refused)
    events.append(refused)
    return Reply(ask.ticket, state.version, False, body)


def _result(state: State, command: c.Command, decision: list[e.Event]) -> dict[str, Any]:
    if type(command) is c.PlaceOrder:
        placed: Any = decision[0]
        return {"order": command.order, "held_until": placed.held_until}
    if isinstance(command, c.CancelOrder | c.RecordPayment):
        return {"order": command.order, "state": state.orders[command.order].state}
    return {}
