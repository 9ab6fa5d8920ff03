"""`python -m tests.commerce.effects.dying FOLDER BANK`: makes a refund again and again, killed at each step.

For the step 1, 2, 3, … a new refund is owed, a child makes it and is killed (kill -9 by its own hand) before
that step, and a third child does what the effects do after their next start. Steps are each statement, each
commit, and both sides of asking the bank. Ends when a child got through alive; prints how many steps it had.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import event

from commerce.books import Books, open_books
from commerce.books.aftersales import Act, refund_part
from commerce.books.orders import BookedOrder, find_order
from commerce.effects.refunding import make_due_refunds
from commerce.payments.adapters.sandbox import SandboxBank
from commerce.payments.provider import FirmRefused, FirmSilent, RefundMade, RefundWish
from tests.commerce.stocked import MERCHANT

MOST_STEPS = 100
HOUR_MS = 3_600_000


class Steps:
    """Counts what is about to happen; at the step that was chosen nothing happens any more."""

    def __init__(self, last: int) -> None:
        self.taken, self.last = 0, last

    def take(self, *_: object, **__: object) -> None:
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched(SandboxBank):
    """The bank, with a step on either side of a refund."""

    steps: Steps

    async def refund(self, wish: RefundWish) -> RefundMade | FirmRefused | FirmSilent:
        self.steps.take()
        answer = await super().refund(wish)
        self.steps.take()
        return answer


async def owe(books: Books) -> None:
    async with books.begin() as tx:
        order = await find_order(tx, "or-1")
        assert order is not None
        act = Act(MERCHANT, "or-1", order.version, f"k{order.version}", "ac-1", "", now_ms())
        assert isinstance(await refund_part(tx, act, 1), BookedOrder)


async def make(books: Books, folder: Path, origin: str, steps: Steps) -> None:
    bank = Watched(origin, (folder / "keys/bank.secret").read_bytes())
    bank.steps = steps
    for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(books.engine.sync_engine, name, steps.take)
    await make_due_refunds(books, {"sandbox": bank}, now_ms() + HOUR_MS)
    await bank.close()


def now_ms() -> int:
    return int(time.time() * 1000)


def child(folder: Path, work: Callable[[Books], Awaitable[None]]) -> int:
    """Do it in a process of its own; how that ended (0, or minus the signal)."""

    async def run() -> None:
        books = await open_books(f"sqlite+aiosqlite:///{folder}/books.sqlite", folder / "keys/persons.key")
        await work(books)
        await books.close()

    process = os.fork()
    if process == 0:
        code = 1
        try:
            asyncio.run(run())
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main(folder: Path, origin: str) -> int:
    for last in range(1, MOST_STEPS):
        if child(folder, owe) != 0:
            return 1
        ended = child(folder, lambda books, last=last: make(books, folder, origin, Steps(last)))  # type: ignore[misc]  # bound now
        if child(folder, lambda books: make(books, folder, origin, Steps(0))) != 0:
            return 1
        if ended == 0:
            print(last - 1)
            return 0
        if ended != -signal.SIGKILL:
            return 1
    return 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2]))
