"""What a desk process is told by its environment."""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

from dataclasses import dataclass

from commerce.settings import Address, address, flag, redis_url, setting


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """Read once at the start."""

    redis_url: str = setting("REDIS_URL", redis_url, "unix://{var}/valkey/s")
    http: Address = setting("DESK_HTTP", address, "127.0.0.1:8083")
    accept_data_loss: bool = setting("ACCEPT_DATA_LOSS", flag, "0")
