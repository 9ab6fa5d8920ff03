"""Which payment firms this shop works with, by the name in their webhook's address."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from commerce.books.keyfile import read_or_make
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.provider import Provider

BANK_SECRET_FILE: Final = "bank.secret"
BANK_SECRET_BYTES: Final = 32


async def open_firms(bank_url: str, keys_dir: Path) -> dict[str, Provider]:
    """The firms by name, the one for new payments first. Close each at the end.

    The sandbox bank's secret is `bank.secret` in the folder of keys, made when absent.
    """
    secret = await asyncio.to_thread(read_or_make, keys_dir / BANK_SECRET_FILE, BANK_SECRET_BYTES)
    sandbox = SandboxBank(bank_url, secret)
    return {sandbox.name: sandbox}
