"""Packets of sound that carry the one before."""

from studio_agent.repeats import WRAPPED_BYTES_MAX, Repeats


def test_each_packet_carries_the_one_before() -> None:
    """RFC 2198 section 3, written out by hand."""
    repeats = Repeats(111)
    assert repeats.wrap(b"one", 0xFFFFFFFF - 959).hex() == "6f" + b"one".hex()
    assert repeats.wrap(b"two", 0).hex() == "ef0f0003" + "6f" + b"onetwo".hex()


def test_what_is_too_long_ago_or_too_much_is_left_out() -> None:
    repeats = Repeats(111)
    repeats.wrap(b"one", 0)
    assert repeats.wrap(b"two", 48_000) == b"\x6ftwo"
    assert repeats.wrap(b"3" * WRAPPED_BYTES_MAX, 48_960) == b"\x6f" + b"3" * WRAPPED_BYTES_MAX
    assert repeats.wrap(b"four", 49_920) == b"\x6ffour"
