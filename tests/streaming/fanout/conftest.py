"""Every test of the fan-out runs over both twins: one suite, one truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from streaming.fanout import opening

from .rig import Rig

TWINS = ["python"] + (["native"] if hasattr(opening, "native_reason") else [])


@pytest.fixture(params=TWINS)
def twin(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def rigs(twin: str) -> Iterator[Callable[..., Rig]]:
    """Make rigs of this twin; they are closed after the test."""
    made: list[Rig] = []

    def make(**wishes: object) -> Rig:
        made.append(Rig(twin, **wishes))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def rig(rigs: Callable[..., Rig]) -> Rig:
    return rigs()
