"""An end that comes in time. What the effects did is durable and what they did not is done after the next
start, so nothing is lost by not waiting: a thread may be in SQLite's wait for another writer, for ten seconds
that nobody can cut short, and several such waits may follow each other.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

END_SECONDS: Final = 8.0


def end_within(seconds: float = END_SECONDS) -> threading.Timer:
    """From now on the process has so long to end in order; then it ends all the same, with code 0."""
    timer = threading.Timer(seconds, _leave)
    timer.daemon = True
    timer.start()
    return timer


def _leave() -> None:
    sys.stderr.write('{"event": "effects ended without waiting for the books", "level": "warning"}\n')
    sys.stderr.flush()
    os._exit(0)
