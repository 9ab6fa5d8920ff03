"""What breaks is told, and keeps nothing else from being done."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from commerce.effects.apart import apart
from commerce.effects.office import Trouble, go_round
from commerce.tasks import end


async def test_one_refund_that_breaks_keeps_no_other_from_being_made() -> None:
    """It was the first of the next round too, and all behind it waited for ever."""
    done = []

    async def make(number: int) -> bool:
        if number == 1:
            raise ValueError("nobody foresaw this")
        done.append(number)
        return number == 2

    with pytest.raises(ValueError, match="foresaw"):
        await apart([1, 2, 3], make)
    assert done == [2, 3]
    assert await apart([2, 3], make) == 1


async def test_a_job_that_breaks_goes_on_and_is_named_to_whoever_asks_for_health() -> None:
    rounds, trouble = 0, dict[str, Trouble]()
    thrice = asyncio.Event()

    async def job() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            thrice.set()
        raise ValueError("nobody foresaw this")

    with capture_logs():
        task = asyncio.create_task(go_round("refunds", 0.0, job, trouble))
        async with asyncio.timeout(30):
            await thrice.wait()
        await end([task])
    assert "foresaw" in trouble["refunds"].what
