"""The books that processes of a test work on, opened beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commerce.books import Books, open_books


@pytest.fixture
async def books_beside(short_dir: Path) -> AsyncIterator[Books]:
    """The same books that the processes work on."""
    (short_dir / "keys").mkdir()
    url = f"sqlite+aiosqlite:///{short_dir / 'books.sqlite'}"
    opened = await open_books(url, short_dir / "keys" / "persons.key")
    yield opened
    await opened.close()
