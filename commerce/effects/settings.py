"""Settings of the effects process (`python -m commerce.effects`)."""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commerce.settings import Address, absolute, address, database_url, redis_url, setting


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsSettings:
    """Read once at the start."""

    http: Address = setting("EFFECTS_HTTP", address, "127.0.0.1:8084")
    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    database_url: str = setting("DATABASE_URL", database_url, "sqlite+aiosqlite:///{var}/books.sqlite")
    keys_dir: Path = setting("KEYS_DIR", absolute, "{var}/keys")
