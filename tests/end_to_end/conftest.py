"""A relay process of its own for every end-to-end test of media."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.end_to_end.processes import Stage


@pytest.fixture
async def stage(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, free_port)
    await stage.relay.start()
    yield stage
    await stage.end()
