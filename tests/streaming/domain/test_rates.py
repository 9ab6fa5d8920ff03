"""One source may ask so often and no more, and a flood of sources costs bounded memory."""

from __future__ import annotations

from streaming.domain.rates import Buckets, Rate


def test_after_its_burst_a_source_waits_and_then_may_ask_again() -> None:
    buckets = Buckets(Rate(burst=3, per_second=2))
    for _ in range(3):
        assert buckets.wait("a", 10.0) == 0.0
        buckets.charge("a", 1, 10.0)
    assert buckets.wait("a", 10.0) == 0.5
    assert buckets.wait("b", 10.0) == 0.0
    assert buckets.wait("a", 10.5) == 0.0
    assert buckets.refused == 1


def test_a_debt_is_never_deeper_than_one_burst() -> None:
    buckets = Buckets(Rate(burst=4, per_second=1))
    for _ in range(100):
        buckets.charge("a", 20, 0.0)
    assert buckets.wait("a", 0.0) == 5.0


def test_the_table_is_bounded() -> None:
    buckets = Buckets(Rate(burst=4, per_second=1), most=100)
    for number in range(1_000):
        buckets.charge(str(number), 1, 0.0)
    assert len(buckets) == 100
