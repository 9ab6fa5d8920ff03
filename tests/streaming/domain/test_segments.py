"""Gapless numbering over cuts and over packets left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.segments import Segments


def test_a_gap_in_the_source_stays_a_gap_and_can_be_filled() -> None:
    segments = Segments[str](100)
    segments.switch("a", 7)
    assert [segments.own("a", n) for n in (7, 8, 10, 9)] == [100, 101, 103, 102]
    assert segments.following == 104


def test_a_packet_left_out_leaves_no_gap() -> None:
    segments = Segments[str](0)
    segments.switch("a", 50)
    assert segments.own("a", 50) == 0
    assert segments.skip("a", 51)
    assert segments.own("a", 52) == 1


def test_a_late_packet_cannot_be_left_out() -> None:
    segments = Segments[str](0)
    segments.switch("a", 50)
    segments.own("a", 52)
    assert not segments.skip("a", 51)


def test_a_late_packet_before_one_left_out_keeps_its_number() -> None:
    segments = Segments[str](0)
    segments.switch("a", 50)
    segments.own("a", 50)
    segments.skip("a", 52)
    assert segments.own("a", 53) == 2
    assert segments.own("a", 51) == 1


def test_a_switch_goes_on_behind_the_highest() -> None:
    segments = Segments[str](0)
    segments.switch("a", 10)
    segments.own("a", 14)
    segments.switch("b", 1_000)
    assert segments.own("b", 1_000) == 5
    assert segments.own("a", 13) == 3  # late, of before the cut
    assert segments.own("a", 15) is None  # of after it


def test_what_was_before_the_first_packet_has_no_number() -> None:
    segments = Segments[str](0)
    segments.switch("a", 10)
    assert segments.own("a", 9) is None


def test_an_own_number_leads_back_to_its_source() -> None:
    segments = Segments[str](0)
    segments.switch("a", 10)
    segments.own("a", 12)
    segments.switch("b", 70)
    segments.own("b", 71)
    assert segments.origin(1) == ("a", 11)
    assert segments.origin(4) == ("b", 71)
    assert segments.origin(5) is None


@given(st.lists(st.sampled_from(["send", "skip", "lose", "cut"]), max_size=60))
def test_no_number_is_given_twice_and_only_losses_leave_gaps(acts: list[str]) -> None:
    segments = Segments[int](0)
    source, sequence = 0, 0
    segments.switch(source, sequence)
    given_out: list[int] = []
    lost = 0
    for act in acts:
        if act == "cut":
            source, sequence = source + 1, 500 * (source + 1)
            segments.switch(source, sequence)
            continue
        if act == "send":
            own = segments.own(source, sequence)
            assert own is not None
            given_out.append(own)
        elif act == "skip":
            segments.skip(source, sequence)
        else:
            lost += 1
        sequence += 1
    assert given_out == sorted(set(given_out))
    if given_out:
        assert given_out[-1] + 1 - len(given_out) <= lost
