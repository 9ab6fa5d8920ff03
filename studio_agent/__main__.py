"""`python -m studio_agent`: publishes one studio until it is told to stop; with `pair`, a shop lets it in."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

import aiohttp
import structlog
from aiohttp import web

from .credential import Credential, read_credential
from .health import health_app
from .pair import NotPaired, pair
from .paired import PairedWay
from .settings import Settings, SettingsError, read_settings
from .shop import Shop
from .sources import Source, SourceFailed, open_source
from .studio import EXIT_REFUSED, Studio
from .way import GivenWay, Way


def configure_logging() -> None:
    """JSON lines to stderr; the libraries only when they warn.

    FFmpeg stays as silent as PyAV makes it: with `av.logging.set_level` its decoder threads would
    wait for the interpreter to log, while the interpreter waits for them to end.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


async def find_way(settings: Settings, http: aiohttp.ClientSession) -> Way:
    """Address and token of the settings, else those of the pairing, else a pairing first."""
    credential = None
    if settings.act == "publish":
        credential = None if settings.is_by_hand else await asyncio.to_thread(stored, settings)
        if settings.is_by_hand or (credential is None and settings.shop is None):
            return GivenWay(settings)
    if credential is None:
        shop = Shop(http, settings.shop or "")
        credential = await pair(shop, settings.name, settings.pairing_file, show)
        show(f"Paired with the studio {credential.studio_name}.")
    return PairedWay(Shop(http, credential.shop), credential, settings.pairing_file)


def stored(settings: Settings) -> Credential | None:
    return read_credential(settings.pairing_file)


def show(text: str) -> None:
    """To the person at the studio."""
    print(text, flush=True)  # noqa: T201  # this is what the person came for


async def run(settings: Settings) -> int:
    """Pair, or publish; the exit code. SIGTERM and SIGINT end either in order."""
    source = open_source(settings.source) if settings.act == "publish" else None
    async with aiohttp.ClientSession() as http:
        finding = asyncio.create_task(find_way(settings, http))
        end_on_signals(finding.cancel)
        try:
            way = await finding
        except asyncio.CancelledError:
            return 0
        return 0 if source is None else await publish(settings, source, way)


def end_on_signals(end: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end)


async def publish(settings: Settings, source: Source, way: Way) -> int:
    """Run the studio and its health page; SIGTERM and SIGINT end both in order."""
    studio = Studio(settings, source, way=way)
    runner = web.AppRunner(health_app(studio.health), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(
            f"STUDIO_HTTP {settings.http_host}:{settings.http_port} cannot be used: {error.strerror}."
        ) from None
    running = asyncio.create_task(studio.run())
    end_on_signals(studio.stop)
    try:
        return await running
    finally:
        await runner.cleanup()


def main() -> int:
    """The exit code: 0 stopped or paired, 2 a setting or the source, 3 refused by the relay or the shop."""
    configure_logging()
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        return asyncio.run(run(settings))
    except (SettingsError, SourceFailed) as error:
        print(error, file=sys.stderr)  # noqa: T201  # one sentence for the operator, not a log line
        return 2
    except NotPaired as error:
        print(error, file=sys.stderr)  # noqa: T201  # as above
        return EXIT_REFUSED


if __name__ == "__main__":
    sys.exit(main())
