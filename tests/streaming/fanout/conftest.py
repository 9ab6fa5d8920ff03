"""Every test of the fan-out runs over both twins: one suite, one truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from .rig import Rig

# Where nothing was compiled the readable twin serves, and the tests of both shrink to one.
TWINS = ["python", "native"] if find_spec("streaming.fanout._native") else ["python"]


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
