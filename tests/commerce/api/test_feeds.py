"""The feeds of a front go on whatever happens to one of their tasks."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from commerce.api.crowd import Crowd
from commerce.api.feeds import Feeds
from commerce.api.problems import Problem
from commerce.live import keys
from commerce.live.wire import Broken
from tests.commerce.api.street import Street


class Silent:
    """A wire to a store that answers nothing; it counts who asked."""

    asked = 0

    async def fields(self, key: str) -> dict[str, bytes]:
        Silent.asked += 1
        await asyncio.sleep(0)
        raise Broken(f"no answer to {key}")

    async def aclose(self) -> None:
        pass


async def test_a_crowd_waits_once_for_a_store_that_does_not_answer(street: Street) -> None:
    """Each waited for its own turn to wait, so that the last of a thousand was told half an hour later."""
    planned = await street.house.planned(await street.scheduled_show())
    feeds = Feeds(Silent, lambda: street.house.redis, [])  # type: ignore[arg-type]  # all that is asked of it
    told = await asyncio.gather(*(feeds.of(planned) for _ in range(50)), return_exceptions=True)
    assert {one.code for one in told if isinstance(one, Problem)} == {"Busy"}
    assert len(told) == 50
    assert Silent.asked == 1


async def test_talk_that_nobody_understands_does_not_silence_the_hearts(street: Street) -> None:
    show, _ = await street.open_show()
    feed = await street.house.feed(show)
    buyer = await street.buyer()
    with capture_logs():
        await street.house.redis.xadd(keys.talk(show), {"from": "a later version"})
        assert (await buyer.ask("POST", f"/api/shows/{show}/hearts", {"count": 3})).status == 202
        await street.comes_true(lambda: feed.hearts == 3)


class Sick(Crowd):
    """A crowd that cannot be told anything, for a reason nobody foresaw."""

    async def tell_public(self, payload: bytes) -> None:
        raise ZeroDivisionError


async def test_a_feed_that_can_say_nothing_is_given_up_for_a_new_one(street: Street) -> None:
    show, offer = await street.open_show()
    feed = await street.house.feed(show)
    feed.crowd = Sick()
    host = await street.signed_in("host")
    with capture_logs():
        assert (await host.post(f"/api/host/shows/{show}/pin", {"offer": offer})).status == 200
        await street.comes_true(lambda: street.house.feeds.at_hand(show) is not feed)
    assert (await street.house.feed(show)).state.pin is not None
