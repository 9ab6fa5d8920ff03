"""A studio broadcasts, a browser plays: real processes, real clip, real Chromium, default autoplay."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.end_to_end.player import stats, until_frames, watching
from tests.end_to_end.processes import Stage, clip_or_scene, wait_until
from tests.streaming.browser import comes_true, open_browser

pytestmark = pytest.mark.browser
# A camera in a browser, as a studio without an agent would use it: goods want sharpness before
# smoothness, so a busy machine drops pictures rather than size.
CAMERA = """
async ({url, token}) => {
  const peer = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  globalThis.peer = peer;
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: {width: {exact: 1280}, height: {exact: 720}, frameRate: 30}});
  const [sound] = stream.getAudioTracks(), [picture] = stream.getVideoTracks();
  peer.addTransceiver(sound, {direction: "sendonly", streams: [stream]});
  const {sender} = peer.addTransceiver(picture, {
    direction: "sendonly", streams: [stream], sendEncodings: [{maxBitrate: 2_500_000}]});
  await sender.setParameters({...sender.getParameters(), degradationPreference: "maintain-resolution"});
  await peer.setLocalDescription();
  const answer = await fetch(url, {method: "POST", body: peer.localDescription.sdp, headers: {
    "Content-Type": "application/sdp", Authorization: `Bearer ${token}`}});
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
}
"""


async def test_a_real_clip_arrives_silent_first_and_is_heard_when_asked_for(stage: Stage) -> None:
    agent = await stage.add_agent(clip_or_scene())
    await stage.until_live(agent)
    async with watching(stage) as page:
        await until_frames(page, 60)
        before = await stats(page)
        assert (before["width"], before["height"]) == (1280, 720)
        assert before["video"]["framesDecoded"] >= 60
        assert before["muted"]
        assert not before["paused"]
        await page.get_by_test_id("sound-on").click()
        await page.wait_for_function("!document.querySelector('video').muted")
        await comes_true(
            page,
            "watch.session.peer.getStats().then(all => [...all.values()].some(r =>"
            " r.type === 'inbound-rtp' && r.kind === 'audio' && r.totalAudioEnergy > 0))",
        )
        after = await stats(page)
        assert not after["muted"]
        assert not after["paused"]
        assert after["seats"] == 1
    assert (await agent.health())["losses"] == 0


async def test_a_browser_publishes_and_another_plays(stage: Stage) -> None:
    async with open_browser() as studio:
        await studio.evaluate(CAMERA, {"url": stage.whip, "token": stage.keys.publish()})
        async with watching(stage) as page:
            await until_frames(page, 60)
            seen = await stats(page)
            assert (seen["width"], seen["height"]) == (1280, 720)
            assert seen["video"]["framesDecoded"] >= 60


async def test_a_newer_publisher_replaces_the_older_without_a_reconnect(stage: Stage) -> None:
    older = await stage.add_agent("scene", STUDIO_PRESET="ultrafast")
    await stage.until_live(older)
    async with watching(stage) as page:
        await until_frames(page, 15)
        newer = await stage.add_agent(clip_or_scene(), STUDIO_PRESET="ultrafast")
        await stage.until_live(newer)

        async def has_yielded() -> bool:
            return (await older.health())["state"] == "yielded"

        await wait_until(has_yielded, 30, older.log)
        await until_frames(page, 60)
        assert (await stats(page))["seats"] == 1
        health = await newer.health()
        assert (health["state"], health["losses"]) == ("live", 0)


async def test_a_killed_studio_comes_back_to_the_same_viewers(stage: Stage) -> None:
    agent = await stage.add_agent("scene", STUDIO_PRESET="ultrafast")
    await stage.until_live(agent)
    async with watching(stage) as page:
        await until_frames(page, 30)
        await agent.end(signal.SIGKILL)
        again = await stage.add_agent("scene", STUDIO_PRESET="ultrafast")
        await stage.until_live(again)
        await until_frames(page, 60)
        assert (await stats(page))["seats"] == 1


async def test_a_relay_that_restarts_gets_its_studio_and_viewers_back(stage: Stage) -> None:
    agent = await stage.add_agent("scene", STUDIO_PRESET="ultrafast")
    await stage.until_live(agent)
    async with watching(stage) as page:
        await until_frames(page, 15)
        await stage.relay.end(signal.SIGKILL)
        await asyncio.sleep(0.2)
        await stage.relay.start()

        async def is_back() -> bool:
            health = await agent.health()
            return health["state"] == "live" and health["connections"] == 2

        await wait_until(is_back, 60, agent.log)
        await until_frames(page, 30)
        seen = await stats(page)
        assert seen["seats"] >= 2
        assert (await agent.health())["losses"] == 1
