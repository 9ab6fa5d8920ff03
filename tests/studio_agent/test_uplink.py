"""The reconnect machine: every wait, every way out, on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_agent.uplink import (
    CONNECT_LIMIT_S,
    HOPELESS,
    LONGEST_WAIT_S,
    Action,
    Answered,
    CloseSession,
    Connect,
    Connected,
    Event,
    GiveUp,
    Lost,
    Offer,
    Refused,
    Replaced,
    StartAsked,
    StopAsked,
    TimePassed,
    Unreachable,
    Uplink,
    WakeAt,
)

ANSWERED = Answered("http://relay/whip/main/1", "v=0")


def offering() -> Uplink:
    uplink = Uplink()
    assert uplink.receive(StartAsked(), 0.0, 0.5) == [Offer()]
    return uplink


def live(now: float = 0.0) -> Uplink:
    uplink = offering()
    uplink.receive(ANSWERED, now, 0.5)
    assert uplink.receive(Connected(), now, 0.5) == []
    assert uplink.state == "live"
    return uplink


def wake(actions: list[Action]) -> float:
    return next(action.at_s for action in actions if isinstance(action, WakeAt))


def test_a_studio_goes_live() -> None:
    uplink = offering()
    actions = uplink.receive(ANSWERED, 1.0, 0.5)
    assert actions == [Connect("v=0"), WakeAt(1.0 + CONNECT_LIMIT_S)]
    uplink.receive(Connected(), 1.2, 0.5)
    assert (uplink.state, uplink.connections) == ("live", 1)


def test_waits_grow_and_have_an_end() -> None:
    uplink, now, waits = offering(), 0.0, []
    for _ in range(8):
        at_s = wake(uplink.receive(Unreachable("refused"), now, 1.0))
        waits.append(at_s - now)
        now = at_s
        assert uplink.receive(TimePassed(), now, 1.0) == [Offer()]
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S])


@given(st.floats(0, 1))
def test_jitter_spreads_a_wait_over_its_second_half(jitter: float) -> None:
    uplink = offering()
    assert 0.25 <= wake(uplink.receive(Unreachable("refused"), 0.0, jitter)) <= 0.5


@pytest.mark.parametrize("status", [404, 409, 429, 500, 502, 503])
def test_a_relay_that_asks_for_patience_gets_it(status: int) -> None:
    uplink = offering()
    at_s = wake(uplink.receive(Refused(status, "later", retry_after_s=7.0), 0.0, 0.5))
    assert 7.0 <= at_s < 8.0
    assert uplink.receive(TimePassed(), 6.9, 0.5) == [WakeAt(at_s)]
    assert uplink.receive(TimePassed(), at_s, 0.5) == [Offer()]


def test_a_retry_after_of_a_year_is_not_believed() -> None:
    uplink = offering()
    assert wake(uplink.receive(Refused(503, retry_after_s=3e7), 0.0, 0.5)) < 130


@pytest.mark.parametrize("status", sorted(HOPELESS))
def test_what_no_repetition_mends_ends_with_a_sentence(status: int) -> None:
    uplink = offering()
    actions = uplink.receive(Refused(status, "token expired"), 0.0, 0.5)
    assert isinstance(actions[-1], GiveUp)
    assert actions[-1].sentence.endswith(f"{status} (token expired).")
    assert uplink.receive(TimePassed(), 99.0, 0.5) == []


def test_a_settled_session_that_is_lost_is_offered_again_at_once() -> None:
    uplink = live()
    actions = uplink.receive(Lost("the path was lost"), 60.0, 0.5)
    assert actions[0] == CloseSession("http://relay/whip/main/1")
    assert wake(actions) < 60.2
    assert uplink.losses == 1


def test_two_agents_of_one_studio_do_not_throw_each_other_out_for_ever() -> None:
    uplink, now, waits = live(), 60.0, []
    for _ in range(6):
        at_s = wake(uplink.receive(Lost("the relay closed the session", by_peer=True), now, 1.0))
        waits.append(at_s - now)
        uplink.receive(TimePassed(), at_s, 1.0)
        uplink.receive(ANSWERED, at_s, 1.0)
        uplink.receive(Connected(), at_s, 1.0)
        now = at_s + 1.0
    assert waits == pytest.approx([1.05, 1.1, 2, 4, 8, LONGEST_WAIT_S])


def test_a_studio_that_was_replaced_yields_and_stays_so() -> None:
    uplink = live()
    uplink.receive(Lost("the relay closed the session", by_peer=True), 60.0, 0.5)
    assert uplink.receive(Replaced(), 60.1, 0.5) == []
    assert uplink.state == "yielded"
    assert uplink.receive(TimePassed(), 999.0, 0.5) == []
    assert uplink.receive(StopAsked(), 999.0, 0.5) == []
    assert uplink.state == "over"


def test_a_word_of_a_replacement_that_comes_late_does_not_end_a_new_session() -> None:
    uplink = live()
    assert uplink.receive(Replaced(), 60.0, 0.5) == []
    assert uplink.state == "live"


def test_a_connection_that_never_comes_is_given_up_and_deleted() -> None:
    uplink = offering()
    uplink.receive(ANSWERED, 0.0, 0.5)
    assert uplink.receive(TimePassed(), CONNECT_LIMIT_S - 0.1, 0.5) == [WakeAt(CONNECT_LIMIT_S)]
    actions = uplink.receive(TimePassed(), CONNECT_LIMIT_S, 0.5)
    assert actions[0] == CloseSession("http://relay/whip/main/1")
    assert uplink.state == "waiting"


@pytest.mark.parametrize("uplink", [Uplink(), offering(), live()], ids=["resting", "offering", "live"])
def test_a_stop_ends_whatever_was_going_on(uplink: Uplink) -> None:
    was_live = uplink.state == "live"
    actions = uplink.receive(StopAsked(), 5.0, 0.5)
    assert actions == ([CloseSession("http://relay/whip/main/1")] if was_live else [])
    assert uplink.state == "over"
    assert uplink.receive(StartAsked(), 6.0, 0.5) == []


EVENTS: list[Event] = [
    StartAsked(), ANSWERED, Refused(503), Refused(409, retry_after_s=1.0), Unreachable("x"),
    Connected(), Lost("x"), Lost("x", by_peer=True), TimePassed(),
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0, 30)), max_size=60))
def test_whatever_happens_one_session_is_open_at_most_and_a_way_on_remains(
    happenings: list[tuple[Event, float]],
) -> None:
    uplink, now, open_sessions, wakes_at = Uplink(), 0.0, 0, 0.0
    uplink.receive(StartAsked(), 0.0, 0.5)
    for event, later_s in happenings:
        now += later_s
        for action in uplink.receive(event, now, 0.5):
            open_sessions += isinstance(action, Connect) - isinstance(action, CloseSession)
            if isinstance(action, WakeAt):
                wakes_at = action.at_s
        assert 0 <= open_sessions <= 1
        if uplink.state in ("waiting", "connecting"):
            assert wakes_at - now <= 130
    assert uplink.state != "over"
