"""The one bounded queue between the loop and the Python sender."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from .interface import QUEUE_LIMIT_BYTES, QUEUE_LIMIT_JOBS

MEDIA_LIMIT_JOBS = QUEUE_LIMIT_JOBS * 3 // 4


class Job(NamedTuple):
    """Something to do. Media may be refused and may grow too old; other jobs may not."""

    do: Callable[[], None]
    media: bool
    octets: int
    posted_ns: int


class JobQueue:
    """Posts from one thread, takes by another. Limits: `QUEUE_LIMIT_*`; media stops at three quarters."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._octets = 0
        self._changed = threading.Condition()
        self._held = False
        self.peak_jobs = 0
        self.refusals = 0

    def post(self, do: Callable[[], None], *, media: bool = False, octets: int = 0) -> bool:
        """False when there is no room."""
        with self._changed:
            limit = MEDIA_LIMIT_JOBS if media else QUEUE_LIMIT_JOBS
            if len(self._jobs) >= limit or (media and self._octets + octets > QUEUE_LIMIT_BYTES):
                self.refusals += media
                return False
            self._jobs.append(Job(do, media, octets, time.monotonic_ns()))
            self._octets += octets
            self.peak_jobs = max(self.peak_jobs, len(self._jobs))
            self._changed.notify()
            return True

    def take(self, until_ns: int | None) -> Job | None:
        """The next job; None when there is none until then (monotonic ns; None: for ever)."""
        with self._changed:
            while self._held or not self._jobs:
                left = None if until_ns is None else (until_ns - time.monotonic_ns()) / 1e9
                if left is not None and left <= 0:
                    return None
                self._changed.wait(left)
            job = self._jobs.popleft()
            self._octets -= job.octets
            return job

    def hold(self, held: bool) -> None:
        """Give nothing out while held."""
        with self._changed:
            self._held = held
            self._changed.notify()
