"""Brings a database to the newest schema: all steps in one transaction, one process at a time.

Alembic's scripts are read in a thread before the database is touched: reading files would block the loop.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

SCRIPTS: Final = Path(__file__).parent / "migrations"
ADVISORY_LOCK: Final = 0x51CA57  # any number, the same in every process


async def migrate(engine: AsyncEngine) -> None:
    """Upgrade to the head revision. A process that starts at the same time waits, then finds it done."""
    config, scripts = await asyncio.to_thread(_read_scripts)
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK})
        await connection.run_sync(_upgrade, config, scripts)


def _read_scripts() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    list(scripts.walk_revisions())
    return config, scripts


def _upgrade(connection: Connection, config: Config, scripts: ScriptDirectory) -> None:
    def steps(revision: Any, _: object) -> Any:
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        environment.run_migrations()
