"""`python -m commerce.effects`: books, stage, refunds, mail, reconciliation, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiohttp import web

from commerce import handles, rings, settings
from commerce.books import Books, open_books
from commerce.books.retention import forget_what_is_due
from commerce.effects.ending import end_within
from commerce.effects.mailing import Mailer
from commerce.effects.meters import application
from commerce.effects.office import Office, Trouble, go_round
from commerce.effects.reconcile import ask_about_payments, resend_allotments
from commerce.effects.refunding import make_due_refunds
from commerce.effects.settings import EffectsSettings, MailSettings
from commerce.live.cursor import Cursor, slowest
from commerce.live.inbox import Inbox
from commerce.live.roster import Roster
from commerce.live.stage import Stages
from commerce.live.valkey import open_redis, open_wire
from commerce.log import configure
from commerce.payments.desk import through
from commerce.payments.firms import open_firms
from commerce.payments.provider import Provider
from commerce.payments.settings import FirmSettings
from commerce.tasks import end, run

PERSONS_KEY_FILE = "persons.key"
BOOKS_SECONDS = 60.0  # for the answer of a database server to one statement
REFUND_SECONDS = 1.0
ALLOTMENT_SECONDS = 2.0
PAYMENT_SECONDS = 5.0
MAIL_SECONDS = 2.0
RETENTION_SECONDS = 3_600.0


def now_ms() -> int:
    return int(time.time() * 1000)


def jobs(
    books: Books,
    firms: Mapping[str, Provider],
    inbox: Inbox,
    mailer: Mailer | None,
    trouble: dict[str, Trouble],
) -> list[asyncio.Task[None]]:
    """The jobs that go round, each a task."""
    tell_desk, mails = through(inbox), mailer is not None
    rounds: list[tuple[str, float, Callable[[], Awaitable[object]]]] = [
        ("refunds", REFUND_SECONDS, lambda: make_due_refunds(books, firms, now_ms(), mails=mails)),
        ("allotments", ALLOTMENT_SECONDS, lambda: resend_allotments(books, inbox, now_ms())),
        ("payments", PAYMENT_SECONDS, lambda: ask_about_payments(books, firms, tell_desk, now_ms())),
        ("retention", RETENTION_SECONDS, lambda: forget_what_is_due(books, now_ms())),
    ]
    if mailer is not None:
        rounds.append(("mail", MAIL_SECONDS, lambda: mailer.send_due(now_ms())))
    return [
        asyncio.create_task(go_round(name, seconds, job, trouble), name=name) for name, seconds, job in rounds
    ]


async def open_mailer(books: Books, wanted: MailSettings) -> Mailer | None:
    """Who sends mail; None where no mail server is named. Raises OSError for a password that is not there."""
    if wanted.server is None:
        return None
    file = wanted.password_file
    password = (await asyncio.to_thread(file.read_text)).strip() if file else ""
    return Mailer(books, wanted, password)


async def serve(wanted: EffectsSettings, firm_settings: FirmSettings, mail: MailSettings) -> int:
    """Run until told to end; the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    connect = functools.partial(open_wire, wanted.redis_url)
    redis = open_redis(wanted.redis_url)
    roster = Roster(redis)
    inbox = Inbox(connect, roster)
    books = await open_books(wanted.database_url, wanted.keys_dir / PERSONS_KEY_FILE, BOOKS_SECONDS)
    firms = await open_firms(firm_settings)
    office = Office(
        books,
        roster,
        connect,
        functools.partial(Cursor, redis),
        functools.partial(slowest, redis),
        Stages(redis),
        mails=mail.server is not None,
    )
    runner = web.AppRunner(application(office), access_log=None)
    tasks: list[asyncio.Task[None]] = []
    try:
        await runner.setup()
        await web.TCPSite(runner, wanted.http.host, wanted.http.port).start()
        mailer = await open_mailer(books, mail)
        rings.begin()
        tasks = [
            asyncio.create_task(rings.keep_tidy(), name="rings"),
            asyncio.create_task(office.run(), name="office"),
            *jobs(books, firms, inbox, mailer, office.trouble),
        ]
        structlog.get_logger("effects").info("effects follow", http=f"{wanted.http.host}:{wanted.http.port}")
        await stop.wait()
        end_within()
    except OSError as why:
        print(f"Effects cannot start: {why}", file=sys.stderr)  # noqa: T201  the one sentence a person sees
        return 1
    finally:
        await end(tasks)
        await inbox.aclose()
        for firm in firms.values():
            await firm.close()
        await runner.cleanup()
        await redis.aclose()
        await books.close()
    return 0


def main() -> int:
    """Start the process."""
    configure()
    handles.raise_limit()
    return run(
        serve(
            settings.load(EffectsSettings, os.environ),
            settings.load(FirmSettings, os.environ),
            settings.load(MailSettings, os.environ),
        )
    )


if __name__ == "__main__":
    raise SystemExit(main())
