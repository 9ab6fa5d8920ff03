"""The shop of these tests, one for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.commerce.api.registry import register
from tests.commerce.api.street import Street, open_street
from tests.servers import Server


@pytest.fixture
async def street(valkey: Server, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(valkey.url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def relay(street: Street) -> str:
    """A living relay in the registry; its address."""
    url = "http://relay.test:8081"
    await register(street.house.redis, "relay-1", url, street.house.now_ms())
    return url
