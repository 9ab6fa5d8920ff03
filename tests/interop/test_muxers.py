"""Publishers that are no browser: FFmpeg's WHIP muxer through PyAV, GStreamer's webrtcbin."""

from __future__ import annotations

import asyncio
import datetime
import os
import subprocess
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from studio_agent.sources.scene import Scene
from tests.end_to_end.player import stats, until_frames, watching
from tests.end_to_end.processes import Stage, wait_until
from tests.interop.bundling import HERE
from tests.interop.test_npm_clients import on_air
from tests.streaming.network import own_address

pytestmark = pytest.mark.browser
FPS = 30


async def seen_by_a_browser(stage: Stage) -> None:
    await wait_until(lambda: on_air(stage), 45, "no picture came to the relay")
    async with watching(stage) as page:
        await until_frames(page, 30)
        seen = await stats(page)
        assert (seen["width"], seen["height"]) == (1280, 720)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A P-256 certificate for FFmpeg's DTLS, which makes none by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "studio")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, none))
    return cert_file, key_file


def mux(url: str, token: str, folder: Path, stop: threading.Event) -> None:
    """Publish the drawn scene and silence by FFmpeg's `whip` muxer until the stop."""
    cert_file, key_file = certificate(folder)
    options = {"authorization": token, "cert_file": str(cert_file), "key_file": str(key_file)}
    scene = Scene()
    with av.open(url, "w", format="whip", options=options) as out:
        video = out.add_stream(
            "libx264", rate=FPS, options={"tune": "zerolatency", "preset": "ultrafast", "profile": "baseline"}
        )
        video.width, video.height, video.pix_fmt, video.bit_rate = 1280, 720, "yuv420p", 1_500_000
        video.gop_size = FPS
        audio = out.add_stream("libopus", rate=48_000)
        audio.layout = "stereo"
        began, sounds = time.time(), 0
        for number in range(FPS * 180):
            stop.wait(max(0.0, began + number / FPS - time.time()))
            if stop.is_set():
                return
            frame = scene.draw(began + number / FPS)
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
            while sounds * 960 / 48_000 <= number / FPS:
                chunk = av.AudioFrame("s16", "stereo", 960)
                chunk.sample_rate, chunk.pts = 48_000, sounds * 960
                chunk.planes[0].update(bytes(3_840))
                out.mux(audio.encode(chunk))
                sounds += 1


async def test_the_muxer_of_ffmpeg_is_seen(stage: Stage, tmp_path: Path) -> None:
    stop = threading.Event()
    muxing = asyncio.create_task(asyncio.to_thread(mux, stage.whip, stage.keys.publish(), tmp_path, stop))
    try:
        await seen_by_a_browser(stage)
    finally:
        stop.set()
        await muxing


SYSTEM_PYTHON = "/usr/bin/python3"  # Debian binds GStreamer to its own Python
NEEDED = """
import gi
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstWebRTC
Gst.init()
assert all(map(Gst.ElementFactory.find, ("webrtcbin", "nicesrc", "dtlssrtpenc", "x264enc", "opusenc")))
"""


def gstreamer_is_here() -> bool:
    asked = subprocess.run([SYSTEM_PYTHON, "-c", NEEDED], capture_output=True, check=False)
    return asked.returncode == 0


async def test_webrtcbin_of_gstreamer_is_seen(tmp_path: Path, free_port: Callable[[], int]) -> None:
    if not await asyncio.to_thread(gstreamer_is_here):
        pytest.skip("no GStreamer with webrtcbin and its binding on this machine: make system installs them")
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but its loopback, which libnice leaves out")
    stage = Stage(tmp_path, free_port, announce=address)
    await stage.relay.start()
    process = await asyncio.create_subprocess_exec(
        SYSTEM_PYTHON, str(HERE / "clients" / "webrtcbin.py"), stage.whip,
        env={**os.environ, "WHIP_TOKEN": stage.keys.publish()}, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        await seen_by_a_browser(stage)
    finally:
        if process.returncode is None:
            process.terminate()
        said, _ = await process.communicate()
        await stage.end()
    assert process.returncode == 0
    assert "connected" in said.decode()
