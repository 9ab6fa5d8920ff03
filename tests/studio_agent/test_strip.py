"""The clock strip carries Unix time through a picture, or says that it does not."""

from hypothesis import given
from hypothesis import strategies as st

from studio_agent.sources.strip import CELLS, crc8, read_strip, write_strip

MOMENTS = st.integers(min_value=0, max_value=(1 << 48) - 1)


def levels(cells: tuple[bool, ...], dark: float = 20, light: float = 220) -> list[float]:
    return [light if is_light else dark for is_light in cells]


@given(MOMENTS)
def test_a_moment_written_is_the_moment_read(unix_ms: int) -> None:
    assert read_strip(levels(write_strip(unix_ms))) == unix_ms


@given(MOMENTS, st.floats(0, 100), st.floats(30, 150))
def test_a_faded_picture_is_still_read(unix_ms: int, dark: float, contrast: float) -> None:
    assert read_strip(levels(write_strip(unix_ms), dark, dark + contrast)) == unix_ms


@given(MOMENTS, st.integers(4, CELLS - 5))
def test_one_damaged_cell_is_noticed(unix_ms: int, cell: int) -> None:
    cells = list(write_strip(unix_ms))
    cells[cell] = not cells[cell]
    assert read_strip(levels(tuple(cells))) is None


def test_a_picture_without_a_strip_has_no_time() -> None:
    assert read_strip([90.0] * CELLS) is None
    assert read_strip([]) is None


def test_the_checksum_is_the_known_one() -> None:
    assert crc8(b"123456789") == 0xF4
