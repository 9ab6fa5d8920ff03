"""The stage of one show: keeps the picture that relays are asked for equal to what the log says.

Needs no cursor: the stage is a desired state, so a start from the newest state is as good as having followed.
"""

from __future__ import annotations

from typing import Final

from commerce.live.log import Log
from commerce.live.snapshot import Snapshots
from commerce.live.stage import Stages, same_picture, stage_of
from commerce.live.wire import Wire
from commerce.show.evolve import fold

NAME: Final = "stage"


async def keep_stage(show: str, wire: Wire, stages: Stages) -> None:
    """Wish the stage now and whenever the picture changes, until cancelled."""
    state = await Snapshots(wire).load(show, remembers=False)
    wished = stage_of(state)
    if state.version:
        await stages.write(wished)
    async for commits in Log(wire, outcomes=False).batches(show, state.version):
        for commit in commits:
            fold(state, commit)
        now = stage_of(state)
        if commits and not same_picture(now, wished):
            await stages.write(now)
            wished = now
