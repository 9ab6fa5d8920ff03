"""The shows that this process follows: each opened when first asked for, closed when nobody has for a while.

A feed folds from the newest snapshot and then follows the log on a connection of its own. When the
connection breaks it goes on from the last version; when the log was trimmed past it, it starts anew
and its listeners, who cannot be told what they missed, come back for a snapshot.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from commerce.api.feed import Feed
from commerce.api.problems import Problem
from commerce.books.schedule import Show
from commerce.live.log import Log, Trimmed
from commerce.live.sessions import STORE_ERRORS, Store
from commerce.live.snapshot import Snapshots, in_a_thread
from commerce.live.talk import Talk
from commerce.live.wire import Broken, Wire
from commerce.show.evolve import BrokenLog
from commerce.tasks import end

MOST_FEEDS: Final = 500
IDLE_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 0.2
FULLEST_BATCH: Final = 16  # commits folded before the loop gets a turn

log = structlog.get_logger("feed")


@dataclass(slots=True)
class Followed:
    """A feed with the tasks that keep it."""

    feed: Feed
    used_s: float
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Feeds:
    """All feeds of this process. `connect` makes a wire of one's own, `open_talk` a client for talk."""

    def __init__(
        self, connect: Callable[[], Wire], open_client: Callable[[], Store], warnings: list[str]
    ) -> None:
        self._connect, self._open_client, self._warnings = connect, open_client, warnings
        self._feeds: dict[str, Followed] = {}
        self._opening: dict[str, asyncio.Task[Followed]] = {}
        self.stopped = 0  # feeds that a broken log has ended

    def __len__(self) -> int:
        return len(self._feeds)

    def all(self) -> list[Feed]:
        """The feeds open now."""
        return [followed.feed for followed in self._feeds.values()]

    def at_hand(self, show: str) -> Feed | None:
        """The feed of a show if it is open already."""
        followed = self._feeds.get(show)
        return None if followed is None else followed.feed

    async def of(self, planned: Show) -> Feed:
        """The feed of a planned show, opened if need be. Raises Busy when the store does not answer: once for
        all who came meanwhile, who would else wait for it one after the other."""
        followed = self._feeds.get(planned.id)
        if followed is None:
            followed = await asyncio.shield(self._opened(planned))
        followed.used_s = time.monotonic()
        followed.feed.plan = plan_of(planned)
        return followed.feed

    def _opened(self, planned: Show) -> asyncio.Task[Followed]:
        opening = self._opening.get(planned.id)
        if opening is None:
            opening = asyncio.create_task(self._open(planned), name=f"open {planned.id}")
            self._opening[planned.id] = opening
            opening.add_done_callback(lambda done: self._settle(planned.id, done))
        return opening

    def _settle(self, show: str, done: asyncio.Task[Followed]) -> None:
        del self._opening[show]
        if not done.cancelled():
            done.exception()  # seen, also when all who asked have gone

    async def _open(self, planned: Show) -> Followed:
        if len(self._feeds) >= MOST_FEEDS:
            await self._evict()
        show = planned.id
        feed = await self._load(show)
        followed = self._feeds[show] = Followed(feed, time.monotonic())
        followed.tasks = [
            asyncio.create_task(self._follow(show, followed), name=f"feed {show}"),
            asyncio.create_task(self._listen(show, followed), name=f"talk {show}"),
            asyncio.create_task(self._tell(show, followed), name=f"teller {show}"),
        ]
        return followed

    async def _load(self, show: str) -> Feed:
        wire = self._connect()
        try:
            feed = Feed(await Snapshots(wire, in_a_thread).load(show, remembers=False))
        except (Broken, Trimmed) as error:
            log.warning("a show cannot be read", show=show, error=str(error))
            raise Problem("Busy", "The live state does not answer") from error
        finally:
            await wire.aclose()
        feed.warnings = self._warnings
        return feed

    async def _follow(self, show: str, followed: Followed) -> None:
        """Fold every commit, for ever, over one wire after another."""
        while True:
            wire = self._connect()
            feed = followed.feed
            try:
                async for commits in Log(wire, outcomes=False).batches(show, feed.state.version):
                    for start in range(0, len(commits), FULLEST_BATCH):
                        if start:
                            await asyncio.sleep(0)
                        feed.fold(commits[start : start + FULLEST_BATCH])
            except Broken as error:
                log.warning("lost the log", show=show, error=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
            except (Trimmed, BrokenLog) as error:
                log.error("a log that cannot be followed", show=show, error=str(error))
                self.stopped += 1
                self._abandon(show, followed)
                return
            except Exception:  # a fault of ours: whoever listens comes back for a snapshot
                log.exception("a feed broke", show=show)
                self._abandon(show, followed)
                return
            finally:
                with contextlib.suppress(Exception):
                    await wire.aclose()

    async def _tell(self, show: str, followed: Followed) -> None:
        """Tell the crowd, for ever."""
        try:
            await followed.feed.run()
        except Exception:  # a fault of ours: nobody may listen to a feed that says nothing
            log.exception("a teller broke", show=show)
            self._abandon(show, followed)

    async def _listen(self, show: str, followed: Followed) -> None:
        """Hear the talk of the show, as long as it is followed."""
        while self._feeds.get(show) is followed:
            client = self._open_client()
            try:
                talk = Talk(client)
                followed.feed.count_hearts(await talk.hearts(show))
                async for _, kind, count in talk.follow(show):
                    if kind == "hearts":
                        followed.feed.count_hearts(count)
            except STORE_ERRORS:
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:  # something is said that we do not understand: go on behind it
                log.exception("talk that cannot be heard", show=show)
                await asyncio.sleep(AGAIN_SECONDS)
            finally:
                with contextlib.suppress(*STORE_ERRORS):
                    await client.aclose()

    def _abandon(self, show: str, followed: Followed) -> None:
        """Forget a feed; its listeners end and come back."""
        if self._feeds.get(show) is followed:
            del self._feeds[show]
        followed.feed.crowd.close()
        for task in followed.tasks:
            if task is not asyncio.current_task():
                task.cancel()

    async def _evict(self) -> None:
        """Make room: close the quietest feed that nobody listens to. Raises Busy when all are in use."""
        quiet = [
            (followed.used_s, show) for show, followed in self._feeds.items() if not len(followed.feed.crowd)
        ]
        if not quiet:
            raise Problem("Busy", "Too many shows are being watched here")
        await self._close(min(quiet)[1])

    async def close_idle(self) -> None:
        """Close what nobody listens to or has asked for lately."""
        old = time.monotonic() - IDLE_SECONDS
        for show, followed in list(self._feeds.items()):
            if followed.used_s < old and not len(followed.feed.crowd):
                await self._close(show)

    async def _close(self, show: str) -> None:
        followed = self._feeds.pop(show)
        followed.feed.crowd.close()
        await end(followed.tasks)

    async def aclose(self) -> None:
        """End every feed and its listeners."""
        await end(self._opening.values())
        for show in list(self._feeds):
            await self._close(show)


def plan_of(planned: Show) -> dict[str, object]:
    """What the books know of a show whose log has not begun."""
    return {
        "id": planned.id,
        "title": dict(planned.title),
        "state": planned.state,
        "on_air": False,
        "currency": planned.currency,
        "hold_seconds": planned.hold_seconds,
        "merchant": {"id": planned.merchant, "name": dict(planned.merchant_name)},
    }
