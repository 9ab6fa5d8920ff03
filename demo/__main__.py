"""`make demo`: the Procfile under supervision, a show on air, and the addresses to look at.

Ends by Ctrl-C, SIGTERM or after DEMO_SECONDS; whatever keeps it from running is one sentence and exit code 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys

from demo import ports, settings
from demo.evening import Evening
from demo.settings import Refusal


async def _run(wanted: settings.Settings) -> None:
    asked_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_end.set)
    evening = Evening(wanted, dict(os.environ))
    opening = asyncio.create_task(evening.open())
    ending = asyncio.create_task(asked_to_end.wait())
    try:
        await asyncio.wait((opening, ending), return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            opening.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(evening.watch(asked_to_end), wanted.seconds)
    finally:
        for task in (opening, ending):
            task.cancel()
        await asyncio.gather(opening, ending, return_exceptions=True)
        print("ending …", flush=True)
        await evening.close()


def main() -> int:
    """Exit code: 0 after an orderly end, 1 when the machine does not allow it."""
    try:
        wanted = settings.read(os.environ)
        ports.check(wanted)
        ports.refuse_unwritable(wanted.var)
        asyncio.run(_run(wanted))
    except Refusal as wrong:
        print(f"make demo: {wrong}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
