"""`python -m commerce.desk`: decides for every show whose lease it gets."""

from __future__ import annotations

import asyncio
import functools
import os
import secrets
import signal
import sys
from typing import Final

import structlog
from aiohttp import web

from commerce import handles, settings
from commerce.desk import native, tidy
from commerce.desk.clock import RealClock
from commerce.desk.meters import application
from commerce.desk.office import Office
from commerce.desk.settings import DeskSettings
from commerce.live.durability import NotDurable, check_when_up
from commerce.live.roster import Roster
from commerce.live.valkey import open_redis, open_wire
from commerce.log import configure
from commerce.tasks import end, run

_log: Final = structlog.get_logger("desk")


async def serve(wanted: DeskSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    redis = open_redis(wanted.redis_url)
    office = Office(
        Roster(redis),
        functools.partial(open_wire, wanted.redis_url),
        RealClock(),
        lambda: secrets.token_hex(8),
        tidy=tidy.tidy,
    )
    runner = web.AppRunner(application(office), access_log=None)
    work: asyncio.Task[None] | None = None
    try:
        for shortcoming in await check_when_up(redis, accept_loss=wanted.accept_data_loss):
            _log.warning("data may be lost", why=shortcoming)
        await runner.setup()
        await web.TCPSite(runner, wanted.http.host, wanted.http.port).start()
        work = asyncio.create_task(office.run(), name="office")
        _log.info("desk is open", http=f"{wanted.http.host}:{wanted.http.port}")
        await stop.wait()
    except (NotDurable, OSError) as why:
        print(f"The desk cannot start: {why}", file=sys.stderr)  # noqa: T201  the one sentence a person sees
        return 1
    finally:
        if work is not None:
            await end([work])
        await office.stop()
        await runner.cleanup()
        await redis.aclose()
    return 0


def main() -> int:
    """Start the process."""
    configure()
    if native.no_twin:
        _log.info("desk_native_unavailable", reason=native.no_twin)
    handles.raise_limit()
    tidy.begin()
    return run(serve(settings.load(DeskSettings, os.environ)))


if __name__ == "__main__":
    raise SystemExit(main())
