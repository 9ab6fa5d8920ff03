"""Who asks, and how often they may: POSTs per source, more dearly where the request proved nothing."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from ..domain.rates import Buckets, Rate
from .problems import Problem

# A carrier's whole city may share one address; an offer costs the loop about 0.1 ms.
SOURCE_RATE: Final = Rate(burst=3_000, per_second=300)
REFUSED_COST: Final = 20.0  # of a request without a good token, or malformed
COSTLY: Final = frozenset({400, 401, 403, 413, 415, 422})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Visitors:
    """The rate limits of one relay."""

    def __init__(self, scale: int, proxies: int, now: Callable[[], float]) -> None:
        """`scale`: times the rate, 0 is no limit; `proxies`: trusted ones before us."""
        self.buckets = Buckets(SOURCE_RATE.times(scale or 1))
        self.now = now
        self._limited, self._proxies = scale > 0, proxies

    def source_of(self, request: web.Request) -> str:
        """The address a request comes from, seen past the trusted proxies."""
        if self._proxies:
            named = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
            if len(named) >= self._proxies and named[-self._proxies]:
                return named[-self._proxies]
        return request.remote or "?"

    def admit(self, request: web.Request) -> None:
        """Raises Problem (429 with Retry-After, RFC 6585 section 4) when the source asks too often."""
        if request.method != "POST" or not self._limited:
            return
        source, now_s = self.source_of(request), self.now()
        wait_s = self.buckets.wait(source, now_s)
        if wait_s:
            retry = {"Retry-After": str(math.ceil(wait_s))}
            raise Problem(429, "too_many_requests", "too many requests from one address", retry)
        self.buckets.charge(source, 1, now_s)

    def refused(self, request: web.Request, status: int) -> None:
        """What proved nothing costs more: tokens are not to be tried out here."""
        if request.method == "POST" and self._limited and status in COSTLY:
            self.buckets.charge(self.source_of(request), REFUSED_COST, self.now())


VISITORS: Final = web.AppKey("visitors", Visitors)
