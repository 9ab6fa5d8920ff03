"""The shop of these tests, one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commerce.api.street import Street, open_street
from tests.servers import Server


@pytest.fixture
async def street(valkey: Server, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(valkey.url, tmp_path) as opened:
        yield opened
