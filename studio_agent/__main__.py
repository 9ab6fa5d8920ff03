"""`python -m studio_agent`: publishes one studio until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

import structlog
from aiohttp import web

from .health import health_app
from .settings import Settings, SettingsError, read_settings
from .sources import Source, SourceFailed, open_source
from .studio import Studio


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


async def publish(settings: Settings, source: Source) -> int:
    """Run the studio and its health page; SIGTERM and SIGINT end both in order."""
    studio = Studio(settings, source)
    runner = web.AppRunner(health_app(studio.health), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        await runner.cleanup()
        raise SettingsError(
            f"STUDIO_HTTP {settings.http_host}:{settings.http_port} cannot be used: {error.strerror}."
        ) from None
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(studio.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, studio.stop)
    try:
        return await running
    finally:
        await runner.cleanup()


def main() -> int:
    """The exit code: 0 stopped, 2 a setting or the source, 3 refused by the relay."""
    configure_logging()
    try:
        settings = read_settings(sys.argv[1:], os.environ)
        source = open_source(settings.source)
        return asyncio.run(publish(settings, source))
    except (SettingsError, SourceFailed) as error:
        print(error, file=sys.stderr)  # noqa: T201  # one sentence for the operator, not a log line
        return 2


if __name__ == "__main__":
    sys.exit(main())
