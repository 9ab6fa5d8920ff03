"""Records how Chromium publishes: `python -m benchmarks.rig.record FILE CLIP` (root: it reads loopback).

A film as its camera, 1280x720, published by WHIP; sizes, markers and the kernel's arrival times of
the RTP packets are read from the wire, where the header lies open. After the start only: the
first seconds are not how it goes on.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
from playwright.async_api import async_playwright

from .browser import CHROMIUM, FLAGS
from .servers import relay

ETH_P_IP: Final = 0x0800
SO_TIMESTAMPNS: Final = 35
TAG_BYTES: Final = 16
SETTLE_SECONDS: Final = 10
RECORD_SECONDS: Final = 6
FILM_FRAMES: Final = 100
CAMERA: Final = ["--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream"]
PUBLISH: Final = """
async ({url, token}) => {
  const peer = globalThis.peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const camera = await navigator.mediaDevices.getUserMedia({
    video: {width: {exact: 1280}, height: {exact: 720}, frameRate: 30}});
  for (const track of camera.getTracks())
    peer.addTransceiver(track, {direction: 'sendonly', streams: [camera],
                                sendEncodings: [{maxBitrate: 2500000}]});
  await peer.setLocalDescription();
  const answer = await fetch(url, {method: 'POST', body: peer.localDescription.sdp, headers: {
    'Content-Type': 'application/sdp', Authorization: `Bearer ${token}`}});
  if (answer.status !== 201) throw new Error(await answer.text());
  await peer.setRemoteDescription({type: 'answer', sdp: await answer.text()});
}
"""


def listen() -> socket.socket:
    """Everything on loopback, stamped by the kernel."""
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    ear.bind(("lo", ETH_P_IP))
    ear.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    ear.setblocking(False)
    return ear


def packets(ear: socket.socket, port: int) -> Iterator[tuple[int, int, bool, int, int]]:
    """(ns, RTP time, marker, SSRC, payload bytes) of RTP to this UDP port."""
    while True:
        try:
            data, ancillary, _, address = ear.recvmsg(2048, 64)
        except BlockingIOError:
            return
        udp = data[4 * (data[0] & 15) :]
        rtp = udp[8:]
        outgoing = address[2] == socket.PACKET_OUTGOING  # loopback shows everything twice
        if outgoing or data[9] != socket.IPPROTO_UDP or int.from_bytes(udp[2:4], "big") != port:
            continue
        if len(rtp) < 12 or rtp[0] >> 6 != 2 or 192 <= rtp[1] <= 223:
            continue
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        header = 12 + (4 + 4 * int.from_bytes(rtp[14:16], "big") if rtp[0] & 0x10 else 0)
        timestamp, ssrc = struct.unpack("!II", rtp[4:12])
        yield seconds * 10**9 + nanoseconds, timestamp, rtp[1] >= 128, ssrc, len(rtp) - header - TAG_BYTES


def frames(heard: list[tuple[int, int, bool, int, int]]) -> list[dict[str, Any]]:
    """Whole frames of the busiest stream."""
    streams = [h[3] for h in heard]
    main = max(set(streams), key=streams.count)
    whole, current = [], []
    for came_ns, timestamp, marker, ssrc, size in heard:
        if ssrc != main or size <= 0:
            continue
        if current and current[0][1] != timestamp:
            current = []
        current.append((came_ns, timestamp, size))
        if marker:
            after = [round((at - current[0][0]) / 1e6, 3) for at, _, _ in current]
            whole.append({"bytes": [s for _, _, s in current], "after_ms": after})
            current = []
    return whole[1:]


def write_film(clip: str, film: Path) -> None:
    """The clip's first pictures as raw 4:2:0, which Chromium takes for a camera and loops."""
    with av.open(clip) as opened, film.open("wb") as out:
        out.write(b"YUV4MPEG2 W1280 H720 F30:1 Ip A1:1 C420jpeg\n")
        for picture in itertools.islice(opened.decode(video=0), FILM_FRAMES):
            out.write(b"FRAME\n")
            for plane in picture.reformat(1280, 720, "yuv420p").planes:
                rows, pixels = range(plane.height), bytes(plane)
                out.writelines(pixels[r * plane.line_size :][: plane.width] for r in rows)


async def record(clip: str) -> list[dict[str, Any]]:
    """Publish for a while and write down the end of it."""
    with tempfile.TemporaryDirectory() as place, relay(Path(place)) as server:
        film = Path(place) / "film.y4m"
        write_film(clip, film)
        flags = [*FLAGS, *CAMERA, f"--use-file-for-fake-video-capture={film}"]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
            page = await browser.new_page()
            await page.goto(f"{server.url}/healthz")  # any page of 127.0.0.1 may use a camera
            await page.evaluate(PUBLISH, {"url": server.whip, "token": server.publish_token})
            await asyncio.sleep(SETTLE_SECONDS)
            ear, port = listen(), server.udp_port
            await asyncio.sleep(RECORD_SECONDS)
            heard = list(packets(ear, port))
            ear.close()
            await browser.close()
    return frames(heard)


def main() -> None:
    found = asyncio.run(record(sys.argv[2]))
    about = (
        "Chromium, a film as camera, 1280x720 at 30, H.264; payload bytes, ms after a frame's first packet"
    )
    text = ",\n".join(json.dumps(frame) for frame in found)
    Path(sys.argv[1]).write_text(f'{{"about": {json.dumps(about)}, "frames": [\n{text}\n]}}\n')
    print(f"{len(found)} frames, {sum(len(f['bytes']) for f in found)} packets", file=sys.stderr)


if __name__ == "__main__":
    main()
