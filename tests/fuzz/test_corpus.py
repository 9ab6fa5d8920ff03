"""Every input that is kept holds all promises, and so does what Hypothesis makes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .seeds import SEEDS
from .spoken import DATAGRAMS_MAX, spoken, written
from .targets import CORPUS, TARGETS, inputs

CORPUS_BYTES_MAX = 300_000


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_that_is_kept_holds_all_promises(target: str) -> None:
    kept = inputs(target)
    assert len(kept) >= len(list(SEEDS[target]())) // 2
    for file in kept:
        try:
            TARGETS[target](file.read_bytes())
        except Exception as broken:
            broken.add_note(f"by the input {file.relative_to(CORPUS)}")
            raise


def test_the_corpora_stay_small() -> None:
    assert sum(file.stat().st_size for target in TARGETS for file in inputs(target)) < CORPUS_BYTES_MAX
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
def test_any_conversation_holds_all_promises(target: str, data: st.DataObject) -> None:
    """Parts of what is kept in any order, damaged."""
    kept = [file.read_bytes() for file in inputs(target)]
    said = data.draw(st.lists(st.sampled_from(kept), min_size=1, max_size=3))
    mixed = bytearray(b"".join(said))
    for _ in range(data.draw(st.integers(0, 6))):
        mixed[data.draw(st.integers(0, len(mixed) - 1))] = data.draw(st.integers(0, 255))
    TARGETS[target](bytes(mixed))


def test_a_conversation_is_read_as_it_was_written() -> None:
    said = [(n, bytes([n]) * n) for n in range(DATAGRAMS_MAX)]
    assert list(spoken(written(*said))) == said
