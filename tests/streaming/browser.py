"""A real Chromium for tests, under its default autoplay policy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
]
PLAYER = """
async ({url, token, without}) => {
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const video = document.createElement('video');
  video.muted = true; video.autoplay = true; video.playsInline = true;
  const stream = new MediaStream();
  for (const kind of ['video', 'audio'])
    stream.addTrack(peer.addTransceiver(kind, {direction: 'recvonly'}).receiver.track);
  video.srcObject = stream;
  document.body.append(video);
  document.body.onclick = () => { video.muted = false; };
  globalThis.frames = []; globalThis.peer = peer; globalThis.video = video;
  const began = performance.now();
  const each = (now, data) => {
    frames.push({at: performance.now() - began, rtp: data.rtpTimestamp, width: data.width,
                 height: data.height, capture: data.captureTime ?? null});
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
  await peer.setLocalDescription();
  const answer = await fetch(url, {method: 'POST', body: peer.localDescription.sdp, headers: {
    'Content-Type': 'application/sdp', Authorization: `Bearer ${token}`}});
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  globalThis.resource = new URL(answer.headers.get('Location'), url).href;
  const lines = (await answer.text()).split('\\r\\n').filter(line => !without || !line.includes(without));
  await peer.setRemoteDescription({type: 'answer', sdp: lines.join('\\r\\n')});
}
"""
PUBLISHER = """
async ({url, token, encodings}) => {
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  globalThis.peer = peer;
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: {width: {exact: 1280}, height: {exact: 720}, frameRate: 30}});
  for (const track of stream.getTracks())
    peer.addTransceiver(track, {direction: 'sendonly', streams: [stream],
      sendEncodings: encodings && track.kind === 'video' ? encodings : []});
  await peer.setLocalDescription();
  const answer = await fetch(url, {method: 'POST', body: peer.localDescription.sdp, headers: {
    'Content-Type': 'application/sdp', Authorization: `Bearer ${token}`}});
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}
"""
SIMULCAST = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 500_000},
    {"rid": "f", "maxBitrate": 2_000_000},
]
STATS = """
async () => {
  const found = {};
  for (const report of (await peer.getStats()).values())
    if (report.type.endsWith('bound-rtp')) found[`${report.type} ${report.kind}`] = report;
  return found;
}
"""


@asynccontextmanager
async def empty_page() -> AsyncIterator[str]:
    """The address of a page with nothing on it."""
    app = web.Application()

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>test</title>", content_type="text/html")

    app.router.add_get("/", empty)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def open_browser() -> AsyncIterator[Page]:
    """A page of a fresh Chromium on http://127.0.0.1, where cameras and fetch are allowed."""
    if not shutil.which(CHROMIUM):
        pytest.skip("no chromium on this machine: make system installs it")
    async with async_playwright() as playwright, empty_page() as address:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(address)
        try:
            yield page
        finally:
            await browser.close()


async def comes_true(page: Page, asked: str, seconds: float = 40.0) -> Any:
    """Ask an async expression of a page until its answer is true, and give that.

    Not `wait_for_function`: to that a promise is true, whatever comes of it.
    """
    async with asyncio.timeout(seconds):
        while not (answer := await page.evaluate(asked)):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.02)
        return answer
