"""Books for tests of the shop: empty and up to date, on SQLite and on PostgreSQL in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from commerce.books import Books, open_books
from tests.databases import DATABASES, Cluster, postgresql_programs


@pytest.fixture(scope="session")
def clusters() -> Iterator[list[Cluster]]:
    """The PostgreSQL cluster of this session, once a test has asked for it."""
    started: list[Cluster] = []
    yield started
    for cluster in started:
        cluster.stop()


def url_of(kind: str, folder: Path, clusters: list[Cluster]) -> str:
    if kind == "sqlite":
        return f"sqlite+aiosqlite:///{folder / 'books.sqlite'}"
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine: make system installs it")
    if not clusters:
        clusters.append(Cluster(programs).start())
    return clusters[0].new_url()


@pytest.fixture(
    params=[pytest.param(kind, marks=[pytest.mark.server] if kind != "sqlite" else []) for kind in DATABASES]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, clusters: list[Cluster]) -> str:
    """An empty database; the test runs once on each kind."""
    return url_of(request.param, tmp_path, clusters)


@pytest.fixture
async def books(database_url: str, tmp_path: Path) -> AsyncIterator[Books]:
    """Open books on each kind of database."""
    opened = await open_books(database_url, tmp_path / "persons.key")
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_books(tmp_path: Path) -> AsyncIterator[Books]:
    """Open books on SQLite, for tests to which the kind of database is nothing."""
    opened = await open_books(f"sqlite+aiosqlite:///{tmp_path / 'books.sqlite'}", tmp_path / "persons.key")
    yield opened
    await opened.close()
