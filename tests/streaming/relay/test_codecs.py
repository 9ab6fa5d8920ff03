"""A show may choose its codec: a browser encodes it, the relay finds its keyframes, another plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streaming.browser import PLAYER, PUBLISHER, STATS, open_browser
from tests.streaming.house import SHOW, STAGE, open_house, until

pytestmark = pytest.mark.browser
WAIT_MS = 30_000
# Small pictures: the encoders of VP9 and AV1 are slow without a chip for them.
SMALL = PUBLISHER.replace("{exact: 1280}", "{exact: 320}").replace("{exact: 720}", "{exact: 180}")


@pytest.mark.parametrize("codec", ["VP8", "VP9", "AV1"])
async def test_a_show_of_another_codec_is_published_and_played_by_browsers(
    tmp_path: Path, codec: str
) -> None:
    async with (
        open_house(tmp_path, [{**STAGE, "codec": codec}]) as house,
        open_browser() as studio,
        open_browser() as viewer,
    ):
        relay = house.process.relay
        program = relay.shows.programs[SHOW]
        await studio.evaluate(SMALL, {"url": f"{house.url}/whip/st-1", "token": house.publish_token()})
        await until(lambda: program.started)
        (feed,) = relay.feeds.values()
        await viewer.evaluate(PLAYER, {"url": f"{house.url}/whep/{SHOW}", "token": house.view_token()})
        await viewer.wait_for_function("frames.length >= 30", timeout=WAIT_MS)
        before = program.keyframes
        feed.request_keyframe(relay.clock.now())
        await until(lambda: program.keyframes > before)
        await viewer.wait_for_function("frames.length >= 60", timeout=WAIT_MS)
        at_least = (await studio.evaluate(STATS))["outbound-rtp video"]["keyFramesEncoded"]
        found = program.keyframes
        at_most = (await studio.evaluate(STATS))["outbound-rtp video"]["keyFramesEncoded"]
        seen = (await viewer.evaluate(STATS))["inbound-rtp video"]
        assert seen["framesDecoded"] >= 60
        assert (seen["frameWidth"], seen["frameHeight"]) == (320, 180)
        # The encoder itself counted its keyframes: we found them all, and took nothing else for one.
        assert at_least - 1 <= found <= at_most  # the last may be on its way
