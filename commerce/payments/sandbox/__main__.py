"""`python -m commerce.payments.sandbox`: the sandbox bank as a process, until SIGTERM or SIGINT."""

from __future__ import annotations

import os
import sys

from aiohttp import web

from commerce.books.keyfile import read_or_make
from commerce.log import configure
from commerce.payments.sandbox.app import Bank
from commerce.payments.sandbox.settings import BankSettings
from commerce.payments.sandbox.till import Till
from commerce.settings import load

SECRET_BYTES = 32


def main() -> None:
    """Serve until told to end; aiohttp ends connections in order on SIGTERM and SIGINT."""
    configure()
    settings = load(BankSettings, os.environ)
    bank = Bank(settings, Till(settings.state_file), read_or_make(settings.secret_file, SECRET_BYTES))
    try:
        web.run_app(bank.app(), host=settings.http.host, port=settings.http.port, print=None, access_log=None)
    except OSError as taken:
        sys.stderr.write(f"BANK_HTTP: {taken}.\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
