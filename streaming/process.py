"""One relay process put together: sockets, sender, relay, HTTP, bulletin; and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from .api.app import build_app
from .api.tokens import TokenKeys
from .bulletin import Bulletin
from .contract import RelayEntry, RelayId
from .fanout import Fanout, open_fanout
from .relay.clock import Clock
from .relay.figures import Limits
from .relay.relay import Relay
from .relay.upstream import Upstreams
from .rtc.dtls import Certificate
from .rtc.ear import open_ear
from .rtc.port import Port, open_socket
from .rtc.tcp import TcpFront
from .settings import Settings, WrongSetting
from .slate import ENCODERS, make_pictures
from .stages import read_stages

KEYS_READ_AGAIN_SECONDS: Final = 2.0
DRAIN_LOOK_SECONDS: Final = 0.05
GOODBYE_SECONDS: Final = 0.2  # for close_notify to leave
CANCEL_AGAIN_SECONDS: Final = 0.5
END_SECONDS: Final = 5.0  # for tasks to take their cancellation

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RelayProcess:
    """A running relay; `stop` ends it in order."""

    settings: Settings
    relay: Relay
    port: Port
    fanout: Fanout
    runner: web.AppRunner
    tasks: list[asyncio.Task[None]]
    bulletin: Bulletin | None
    http_port: int
    tcp: TcpFront | None
    stubborn: int = 0  # tasks that would not end

    async def drain(self) -> None:
        """Let viewers go to other relays, if there are any; bounded by the setting."""
        relay, seconds = self.relay, self.settings.drain_seconds
        elsewhere = relay.upstreams is not None and relay.upstreams.others()
        if not seconds or not elsewhere or not relay.seated:
            return
        relay.departure.begin(seconds, final=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + 1.0):
                while not relay.departure.done:  # noqa: ASYNC110 (viewers leave at any beat)
                    await asyncio.sleep(DRAIN_LOOK_SECONDS)

    async def stop(self) -> None:
        """Say goodbye to peers and to the registry, then free everything."""
        self.relay.departure.close()
        if self.bulletin is not None:
            await self.bulletin.unregister()
        self.stubborn = await end(self.tasks)  # before the goodbyes: what we pull would be called for again
        if self.relay.seated:
            self.relay.end()
            await asyncio.sleep(GOODBYE_SECONDS)
        await self.runner.cleanup()
        if self.tcp is not None:
            await self.tcp.close()
        self.relay.calls.close()
        self.port.close()
        await asyncio.to_thread(self.fanout.close)
        self.port.socket.close()


async def end(tasks: Iterable[asyncio.Task[None]], within_s: float = END_SECONDS) -> int:
    """Cancel tasks until they have ended; after `within_s` those that would not are named in the log and
    left alone. How many they are.

    Once may not be enough: in Python 3.11 `asyncio.wait_for`, through which redis-py sends, can take a
    cancellation for none when it comes in the turn of the answer.
    """
    left, until = set(tasks), time.monotonic() + within_s
    while left:
        for task in left:
            task.cancel()
        remaining_s = until - time.monotonic()
        if remaining_s <= 0:
            break
        _, left = await asyncio.wait(left, timeout=min(CANCEL_AGAIN_SECONDS, remaining_s))
    for task in left:
        _log.error("a task would not end", task=task.get_name())
    return len(left)


async def start(settings: Settings) -> RelayProcess:
    """Start a relay on this loop. Raises WrongSetting, or OSError when a port is taken."""
    clock = Clock()
    keys = TokenKeys(settings.token_keys_file)
    await asyncio.to_thread(keys.refresh)
    sock = open_socket(*settings.udp)
    native = settings.fanout != "python"
    port = Port(sock, clock.now, open_ear(sock, native=native))
    fanout = open_fanout(sock, prefer="native" if native else "python", gso=settings.gso)
    relay = Relay(
        relay=RelayId(settings.relay_id),
        port=port,
        fanout=fanout,
        certificate=Certificate.generateCertificate(),
        addresses=tuple((host, mapped or sock.getsockname()[1]) for host, mapped in settings.announce),
        limits=Limits(settings.viewers_max, settings.half_open_max),
        clock=clock,
    )
    port.looks, port.flush = relay.heart.notice, relay.heart.flush
    tcp = await _listen_tcp(settings, sock.getsockname()[1], relay) if settings.tcp else None
    await _take_stages(settings, relay)
    runner = web.AppRunner(build_app(relay, keys, settings), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, *settings.http, backlog=1024)
    await site.start()
    http_port = int(runner.addresses[0][1])
    tasks = [asyncio.create_task(relay.heart.beat()), asyncio.create_task(_refresh(keys))]
    relay.giving.upstreams = upstreams = Upstreams(
        relay.id,
        relay.calls,
        clock.now,
        lambda: clock.unix_ms(clock.now()),
        lambda: _relay_token(settings.relay_token_file),
    )
    relay.telling.elsewhere = upstreams.elsewhere
    tasks.append(
        asyncio.create_task(
            upstreams.run(lambda: list(relay.shows.stages.values()), relay.giving.publishes_here)
        )
    )
    if settings.slate:
        tasks.append(asyncio.create_task(_prepare_slate(relay)))
    bulletin = None
    if settings.redis_url is not None:
        load = Load()
        bulletin = Bulletin(settings.redis_url, relay, lambda: entry_of(settings, relay, load))
        tasks.append(asyncio.create_task(bulletin.run()))
    _log.info("relay_started", http=http_port, udp=sock.getsockname()[1], fanout=fanout.path)
    return RelayProcess(settings, relay, port, fanout, runner, tasks, bulletin, http_port, tcp)


async def _listen_tcp(settings: Settings, udp_port: int, relay: Relay) -> TcpFront | None:
    """TCP on the UDP port's number; where that is taken, media goes over UDP alone."""
    front = TcpFront(relay.port.home)
    try:
        await front.listen(settings.udp[0], udp_port)
    except OSError as taken:
        _log.warning("no_media_over_tcp", why=str(taken))
        return None
    relay.tcp_addresses = tuple((host, mapped or udp_port) for host, mapped in settings.announce)
    return front


async def _take_stages(settings: Settings, relay: Relay) -> None:
    if settings.stages_file is None:
        return
    try:
        for stage in await asyncio.to_thread(read_stages, settings.stages_file):
            relay.shows.set_stage(stage)
    except (OSError, ValueError) as wrong:
        raise WrongSetting(f"STAGES_FILE cannot be used: {wrong}") from None


async def _prepare_slate(relay: Relay) -> None:
    """Pictures are drawn in a process of their own; until they are there, a lost studio leaves a still."""
    for codec in ENCODERS:
        try:
            relay.shows.show_slate(codec, await make_pictures(codec))
        except (OSError, ValueError, TimeoutError) as failed:
            _log.warning("no_slate", codec=codec, why=str(failed))


def _relay_token(file: Path) -> str | None:
    """The shop's token of role `relay`, or None where nobody laid one down."""
    try:
        return file.read_text().strip() or None
    except OSError:
        return None


async def _refresh(keys: TokenKeys) -> None:
    while True:
        await asyncio.sleep(KEYS_READ_AGAIN_SECONDS)
        await asyncio.to_thread(keys.refresh)


class Load:
    """This process's share of one core since the last look, or of its seats, whichever is more."""

    def __init__(self) -> None:
        self._before = (time.monotonic(), time.process_time())

    def look(self, seats: float) -> float:
        """0..1."""
        now = (time.monotonic(), time.process_time())
        wall, cpu = now[0] - self._before[0], now[1] - self._before[1]
        self._before = now
        return min(1.0, max(seats, cpu / wall if wall > 0.1 else 0.0))


def entry_of(settings: Settings, relay: Relay, load: Load) -> RelayEntry:
    """What the registry says of this relay now."""
    viewers = relay.shows.viewers()
    return RelayEntry(
        relay=relay.id,
        url=settings.url,
        seen_ms=relay.clock.unix_ms(relay.clock.now()),
        viewers=viewers,
        load=round(load.look(viewers / settings.viewers_max), 3),
        shows=tuple(show for show, program in relay.shows.programs.items() if program.started),
        draining=relay.departure.begun,
        studios=relay.giving.studios(),
        pulled=() if relay.upstreams is None else relay.upstreams.at_first_hand(),
    )


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; a second one cuts the draining short."""
    ended, at_once = asyncio.Event(), asyncio.Event()

    def end() -> None:
        (at_once if ended.is_set() else ended).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, end)
    process = await start(settings)
    await ended.wait()
    waits = [asyncio.create_task(process.drain()), asyncio.create_task(at_once.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await process.stop()
    _log.info("relay_stopped")
    if process.stubborn:  # the loop would wait for them without a bound, and all that matters is done
        sys.stderr.flush()
        os._exit(0)


def configure_logging() -> None:
    """JSON lines on stderr."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
