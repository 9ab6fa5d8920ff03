"""Checks of our own: answered by whoever knows the password, and a train only behind an answer."""

from __future__ import annotations

from streaming.domain.train import CAR_BYTES, CARS
from streaming.rtc import stun
from streaming.rtc.echo import Echo
from streaming.rtc.sdp import IceCredentials

OURS, THEIRS = IceCredentials("ours", "o" * 24), IceCredentials("theirs", "t" * 24)
WHERE = ("192.0.2.1", 5000)


def echo(told: list[tuple[float, int | None]]) -> Echo:
    return Echo(OURS, THEIRS, lambda: 9.0, lambda rtt_s, bps, now: told.append((rtt_s, bps)))


def answer(check: bytes, password: str = THEIRS.password) -> bytes:
    return stun.binding_success(stun.parse(check).transaction, WHERE, password.encode())


def test_the_first_check_is_one_that_a_full_agent_answers_and_no_larger_than_its_own() -> None:
    check = echo([]).check(0.0)
    assert check is not None
    said = stun.parse(check)
    assert stun.integrity_holds(said, THEIRS.password.encode())
    assert stun.local_fragment(check) == THEIRS.fragment
    assert stun.ICE_CONTROLLED in said.attributes
    assert said.unknown == ()
    theirs = stun.binding_request(bytes(12), "ours:theirs", b"o" * 24, controlling=1, nominate=True)
    assert len(check) <= len(theirs)


def test_no_train_leaves_before_the_address_is_proven() -> None:
    one = echo([])
    check = one.check(0.0)
    assert check is not None
    assert one.check(0.1) is None
    assert one.cars(0.1) == []
    assert not one.answered(answer(check, "wrong" * 5), 0.1)
    assert one.cars(0.1) == []
    assert one.answered(answer(check), 0.1)
    cars = one.cars(0.1)
    assert len(cars) == CARS
    assert all(0 <= len(car) - CAR_BYTES < 8 for car in cars)
    assert one.cars(0.2) == []
    assert not one.answered(answer(check), 0.2)  # each counts once


def test_what_the_train_found_is_told_once_asked() -> None:
    told: list[tuple[float, int | None]] = []
    one = echo(told)
    one.tell()
    assert told == []
    check = one.check(0.0)
    assert check is not None
    one.answered(answer(check), 0.08)
    for number, car in enumerate(one.cars(0.08)):
        assert one.answered(answer(car), 0.16 + 0.00662 * number)
    assert one.patience_s() == 0.0
    one.tell()
    ((rtt_s, bps),) = told
    assert rtt_s == 0.08
    assert bps is not None
    assert 0.95e6 < bps < 1.05e6
