"""Packets of sound that carry the earlier ones once more (RFC 2198)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.domain.redundancy import (
    BLOCK_BYTES_MAX,
    OFFSET_TICKS_MAX,
    Block,
    RedundancyError,
    unwrap,
    wrap,
)

BLOCKS = st.lists(
    st.builds(Block, st.integers(1, OFFSET_TICKS_MAX), st.binary(min_size=1, max_size=80)), max_size=3
)


def test_the_bytes_are_those_of_the_rfc() -> None:
    """Section 3: F, block PT, 14 bits of offset, 10 of length; then F = 0 and the present block's PT."""
    payload = wrap(111, b"now", [Block(960, b"before")], 1000)
    assert payload.hex() == "ef0f0006" + "6f" + b"beforenow".hex()


@given(BLOCKS, st.binary(max_size=80), st.integers(0, 127))
def test_what_was_wrapped_is_unwrapped(earlier: list[Block], present: bytes, number: int) -> None:
    assert unwrap(wrap(number, present, earlier, 1000), number) == [*earlier, Block(0, present)]


def test_the_oldest_is_left_out_first() -> None:
    earlier = [Block(1920, b"a" * 300), Block(960, b"b" * 300)]
    payload = wrap(111, b"c" * 300, earlier, 700)
    assert [block.age for block in unwrap(payload, 111)] == [960, 0]
    assert len(wrap(111, b"c" * 300, earlier, 200)) == 301  # the present one always goes


@pytest.mark.parametrize(
    "block",
    [
        Block(OFFSET_TICKS_MAX + 1, b"x"),
        Block(0, b"x"),
        Block(960, b"x" * (BLOCK_BYTES_MAX + 1)),
        Block(960, b""),
    ],
    ids=["too old", "no age", "too long", "empty"],
)
def test_what_the_header_cannot_say_is_left_out(block: Block) -> None:
    assert wrap(111, b"now", [block], 5000) == b"\x6fnow"


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xef\x0f\x00", b"\xef\x0f\x00\x06", b"\xef\x0f\x00\x06\x6fbef", b"\x09now", b"\x80" * 80],
    ids=["empty", "header cut off", "nothing present", "block cut off", "of another type", "endless"],
)
def test_what_is_none_is_refused(payload: bytes) -> None:
    with pytest.raises(RedundancyError):
        unwrap(payload, 111)


@given(st.binary(max_size=60))
def test_no_bytes_break_it(payload: bytes) -> None:
    with contextlib.suppress(RedundancyError):
        unwrap(payload, 111)
