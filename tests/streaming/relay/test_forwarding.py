"""A picture goes through the relay, with real clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.streaming.house import SHOW, STUDIO, open_house, publish, until, watch


async def test_a_viewer_sees_and_hears_what_a_studio_sends(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        relay = house.process.relay
        studio = await publish(house, width=320, height=180)
        await until(lambda: relay.shows.programs[SHOW].started)
        assert relay.feeds[STUDIO].connected
        viewer = await watch(house)
        video, audio = (t.receiver.track for t in viewer.connection.getTransceivers())
        async with asyncio.timeout(30):
            frames = [await video.recv() for _ in range(60)]
            sounds = [await audio.recv() for _ in range(50)]
        assert {(f.width, f.height) for f in frames} == {(320, 180)}
        assert any(max(bytes(s.planes[0])) > 0 for s in sounds)
        await viewer.close()
        await studio.close()
