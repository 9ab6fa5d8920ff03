"""`python -m commerce`: a front process of the shop. Run as many as needed behind any balancer."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import sys
from functools import partial
from typing import Final

import structlog
from aiohttp import web

from commerce import handles, rings
from commerce.api import crowd
from commerce.api.app import make_app
from commerce.api.opening import open_house
from commerce.live.durability import NotDurable
from commerce.live.sessions import STORE_ERRORS
from commerce.log import configure
from commerce.payments.firms import open_firms
from commerce.payments.settings import FirmSettings
from commerce.settings import ShopSettings, load
from commerce.tasks import run

SHUTDOWN_SECONDS: Final = 5.0

log = structlog.get_logger("shop")


async def serve(settings: ShopSettings, firms: FirmSettings) -> int:
    """Serve until SIGTERM or SIGINT; then end listeners, answer what is under way, close. The exit code."""
    async with open_house(settings, partial(open_firms, firms)) as house:
        runner = web.AppRunner(make_app(house), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        site = web.TCPSite(
            runner, settings.http.host, settings.http.port, ssl_context=_tls(settings), backlog=1024
        )
        await site.start()
        rings.begin()
        tidying = asyncio.create_task(rings.keep_tidy(), name="rings")
        log.info("serving", at=settings.origin, warnings=house.warnings)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        tidying.cancel()
        await site.stop()
        await house.feeds.aclose()
        await runner.cleanup()
    return 0


def _tls(settings: ShopSettings) -> ssl.SSLContext | None:
    if not settings.https or settings.tls_cert_file is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    return context


def main() -> None:
    """Run the front; ends with one sentence where it cannot start."""
    settings, firms = load(ShopSettings, os.environ), load(FirmSettings, os.environ)
    configure()
    if crowd.no_twin:
        log.info("crowd_native_unavailable", reason=crowd.no_twin)
    handles.raise_limit()
    try:
        run(serve(settings, firms))
    except (NotDurable, OSError, *STORE_ERRORS) as wrong:
        print(f"The shop cannot run: {wrong}", file=sys.stderr)  # noqa: T201  the one sentence a person sees
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
