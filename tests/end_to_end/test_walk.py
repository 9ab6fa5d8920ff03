"""From the host's key to the paid order, with every process real and a real browser."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from demo import cast, steps
from demo.browser import DESK, PHONE, chromium, tab
from demo.own import own_demo
from demo.procfile import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def sheet() -> Iterator[dict[str, Any]]:
    with own_demo() as found:
        yield found


def test_smoke_walks_from_the_picture_to_the_paid_order(tmp_path: Path) -> None:
    """As a person runs it, with a demo of its own; its last line is the result."""
    ran = subprocess.run(
        [sys.executable, "-m", "demo.smoke"],
        cwd=ROOT,
        env={"VAR_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    result = json.loads(ran.stdout.splitlines()[-1])
    assert result.pop("ok"), (result, ran.stderr)
    assert set(result) == {"first_frame_ms", "frames_decoded", "pin_to_screen_ms", "order_to_host_ms"}
    assert all(0 < figure < 20_000 for figure in result.values()), result


def test_a_viewer_hears_and_sees_a_picture_of_full_size(sheet: dict[str, Any]) -> None:
    with chromium() as browser:
        viewer = tab(browser, PHONE)
        steps.watch(viewer, sheet["viewer"])
        assert viewer.evaluate("() => document.querySelector('video').muted")
        steps.turn_sound_on(viewer)
        viewer.wait_for_function("() => window.silkcast.frames_decoded >= 60")
        size = "() => { const v = document.querySelector('video'); return [v.videoWidth, v.videoHeight]; }"
        assert viewer.evaluate(size) == [1280, 720]


def test_the_rail_stands_in_the_order_of_the_rundown(sheet: dict[str, Any]) -> None:
    wanted = [offer["title"]["en"] for offer in cast.rundown(cast.PANTRY)]
    with chromium() as browser:
        viewer = tab(browser, DESK, locale="en-GB")
        steps.watch(viewer, sheet["viewer"])
        expect(viewer.locator(".player-rail .card-name")).to_have_text(wanted)


def test_stock_falls_on_every_screen_when_an_order_is_placed(sheet: dict[str, Any]) -> None:
    with chromium() as browser:
        host, buyer = tab(browser, DESK, locale="en-GB"), tab(browser, PHONE)
        steps.sign_in(host, sheet["host"], **sheet["logins"]["host"])
        steps.watch(buyer, sheet["viewer"])
        offer = steps.pin_first(host)
        steps.see_pin(buyer, offer)
        left = int(re.search(r"(\d+) left", host.locator(steps.test_id("on-screen")).inner_text())[1])  # type: ignore[index]  # a host reads it too
        order = steps.buy(buyer)
        steps.see_order(host, order, "awaiting_payment")
        expect(host.locator(steps.test_id("on-screen"))).to_contain_text(f"{left - 1} left")


def test_a_merchant_of_another_house_sees_nothing_of_it(sheet: dict[str, Any]) -> None:
    with chromium() as browser:
        other = tab(browser, DESK)
        steps.sign_in(other, sheet["merchant"], **sheet["logins"]["crafts-merchant"])
        other.wait_for_load_state("networkidle")
        assert "honey" not in other.locator("body").inner_text().lower()
        assert "Made by hand" in other.locator("body").inner_text()


SESSION = """
async ([url, token, publish]) => {
  const peer = globalThis.peer = new RTCPeerConnection();
  const wanted = { video: { width: 640, height: 360 }, audio: true };
  const camera = publish && await navigator.mediaDevices.getUserMedia(wanted);
  const tracks = publish ? camera.getTracks() : ["video", "audio"];
  for (const track of tracks) peer.addTransceiver(track, { direction: publish ? "sendonly" : "recvonly" });
  await peer.setLocalDescription();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/sdp" };
  const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
  if (answer.ok) await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  return answer.status;
}
"""
DECODED = """
async () => {
  for (const report of (await peer.getStats()).values())
    if (report.type === "inbound-rtp" && report.kind === "video" && report.frameHeight === 360
        && report.framesDecoded >= 30) return true;
  return false;
}
"""


def test_a_script_publishes_and_watches_with_the_idle_pair(sheet: dict[str, Any]) -> None:
    """Nobody is in the second show's studio; what demo.json says of it is all that a script needs."""
    with chromium() as browser:
        studio, viewer = tab(browser, DESK), tab(browser, PHONE)
        for page in (studio, viewer):
            page.goto(sheet["merchant"])  # any page of an origin that may use a camera
        assert studio.evaluate(SESSION, [sheet["whip_idle"], sheet["whip_idle_token"], True]) == 201
        assert viewer.evaluate(SESSION, [sheet["whep_idle"], sheet["whep_idle_token"], False]) == 201
        deadline = time.monotonic() + 60
        while not viewer.evaluate(DECODED):  # `wait_for_function` takes a promise for true
            assert time.monotonic() < deadline, "nothing is decoded"
            viewer.wait_for_timeout(50)


def test_https_serves_pages_events_and_the_way_to_the_picture() -> None:
    with own_demo({"HTTPS": "1"}) as secure, chromium() as browser:
        assert {secure[name][:8] for name in ("viewer", "api", "whep", "whip_idle")} == {"https://"}
        viewer = tab(browser, PHONE)
        steps.watch(viewer, secure["viewer"])
        expect(viewer.locator(steps.test_id("offer-card")).first).to_be_visible()
