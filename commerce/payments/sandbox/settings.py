"""Settings of the sandbox bank (`python -m commerce.payments.sandbox`)."""

# ruff: noqa: RUF009  `setting` makes a dataclass field, as `dataclasses.field` does

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from commerce.settings import Address, absolute, address, maybe_origin, setting, text, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """Where the bank listens, whom it tells, and how late it is when asked to be late."""

    http: Address = setting("BANK_HTTP", address, "127.0.0.1:8082")
    public_url: str | None = setting("BANK_URL", maybe_origin)  # as browsers reach it
    state_file: Path = setting("BANK_STATE_FILE", absolute, "{var}/bank.sqlite")
    secret_file: Path = setting("BANK_SECRET_FILE", absolute, "{var}/keys/bank.secret")
    webhook_url: str = setting("BANK_WEBHOOK_URL", text, "http://127.0.0.1:8080/api/webhooks/sandbox")
    late_seconds: int = setting("BANK_LATE_SECONDS", whole(0, 86_400), "20")

    @property
    def origin(self) -> str:
        """The origin of the pages to pay on."""
        return self.public_url or f"http://{self.http.host}:{self.http.port}"
