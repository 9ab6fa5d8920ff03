"""Which relays live, and how many watch each show: followed from what relays say of themselves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import structlog

from commerce.live.sessions import STORE_ERRORS, Store
from commerce.live.stage import Audience, Stages
from commerce.tasks import end

if TYPE_CHECKING:
    from commerce.api.feeds import Feeds

KEPT_SECONDS: Final = 0.5
AGAIN_SECONDS: Final = 0.2
AUDIENCE_COUNTED: Final = "AudienceCounted"
PROGRAM_ENDED: Final = "ProgramEnded"


log = structlog.get_logger("relays")


class Relays:
    """The living relays and the audience of each show."""

    def __init__(self, redis: Store, open_client: Callable[[], Store]) -> None:
        self._stages = Stages(redis)
        self._open_client = open_client
        self._living: list[Any] = []
        self._read_s = -KEPT_SECONDS
        self._audience = Audience()
        self._counted: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self.given: dict[str, int] = {}  # seats since a relay last counted its viewers
        self._counted_ms: dict[str, int] = {}
        self.origins: set[str] = set()  # every relay origin seen, for the policy of pages

    async def living(self) -> list[Any]:
        """The relays (contract.RelayEntry) seen within three seconds, read at most twice a second."""
        if time.monotonic() - self._read_s >= KEPT_SECONDS:
            self._living = await self._stages.relays(time.time_ns() // 1_000_000)
            self._read_s = time.monotonic()
            self.origins |= {origin_of(relay.url) for relay in self._living}
            self._count_anew()
        return self._living

    def gave(self, relay: Any) -> None:
        """A viewer was sent to this relay."""
        self.given[relay.relay] = self.given.get(relay.relay, 0) + 1

    def _count_anew(self) -> None:
        """Half of what was given is believed to sit by the next entry: joining takes its time."""
        for relay in self._living:
            if self._counted_ms.get(relay.relay) != relay.seen_ms:
                self.given[relay.relay] = self.given.get(relay.relay, 0) // 2
        self._counted_ms = {relay.relay: relay.seen_ms for relay in self._living}
        self.given = {relay: count for relay, count in self.given.items() if relay in self._counted_ms}

    def forget(self) -> None:
        """Read the registry anew when it is asked for next."""
        self._read_s = -KEPT_SECONDS

    async def raise_generation(self, studio: str, generation: int) -> None:
        """Tell every relay that the studio's tokens of an older generation are void."""
        await self._stages.raise_generation(studio, generation)

    def follow(self, feeds: Feeds) -> None:
        """Keep the audience of every feed from now on."""
        self._task = asyncio.create_task(self._follow(feeds), name="audience")

    async def _follow(self, feeds: Feeds) -> None:
        after = "0-0"
        while True:
            client = self._open_client()
            sweeper = asyncio.create_task(self._sweep(feeds), name="audience sweep")
            try:
                async for read, fact in Stages(client).facts(after):
                    after = read
                    self._take(fact, feeds)
            except STORE_ERRORS:
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:  # a fault of ours: the audience is counted on
                log.exception("the audience is counted anew")
                await asyncio.sleep(AGAIN_SECONDS)
            finally:
                await end([sweeper])
                with contextlib.suppress(*STORE_ERRORS):
                    await client.aclose()

    def _take(self, fact: Any, feeds: Feeds) -> None:
        kind = type(fact).__name__
        if kind == AUDIENCE_COUNTED:
            self._audience.counted(fact.show, fact.relay, fact.viewers, fact.at_ms)
            self._counted.add(fact.relay)
        elif kind == PROGRAM_ENDED:
            self._audience.counted(fact.show, fact.relay, 0, fact.at_ms)
        self._tell(feeds)

    async def _sweep(self, feeds: Feeds) -> None:
        """Every second: who has died has no viewers; new feeds learn what is known."""
        while True:
            await asyncio.sleep(1)
            with contextlib.suppress(*STORE_ERRORS):
                alive = {relay.relay for relay in await self.living()}
                for relay in self._counted - alive:
                    self._audience.forget_relay(relay)
                self._counted &= alive
                self._tell(feeds)

    def _tell(self, feeds: Feeds) -> None:
        for feed in feeds.all():
            feed.count_viewers(self._audience.viewers(feed.state.show))

    async def aclose(self) -> None:
        """Stop following."""
        if self._task is not None:
            await end([self._task])


def origin_of(url: str) -> str:
    """Scheme and authority of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
