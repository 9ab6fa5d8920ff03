"""A real Firefox for tests, driven by the same Playwright as Chromium, over WebDriver BiDi.

Firefox ESR lacks one command that Playwright sends unasked; `bidi_door.py` stands between the two.
H.264 is decoded by Debian's libavcodec: the OpenH264 that Firefox has at people's homes is fetched from its
maker at the first start, which tests do not do. Nothing here encodes it.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, async_playwright

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox") or ""
DOOR: Final = Path(__file__).with_name("bidi_door.py")
PREFERENCES: Final[dict[str, Any]] = {
    "media.navigator.permission.disabled": True,  # nobody is there to allow the camera,
    "media.navigator.streams.fake": True,  # which is drawn
    "media.peerconnection.ice.loopback": True,
    "media.webrtc.hw.h264.enabled": True,
    "gfx.blacklist.webrtc.hw.acceleration.h264": 1,  # not forbidden, though there is no chip for it
    "media.gmp-manager.updateEnabled": False,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
}


@asynccontextmanager
async def firefox(**preferences: Any) -> AsyncIterator[Browser]:
    """A fresh Firefox without a window."""
    if not FIREFOX:
        pytest.skip("no Firefox on this machine: make system installs it")
    with tempfile.TemporaryDirectory(prefix="sc-ff-") as folder:
        door = Path(folder) / "firefox"
        door.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{DOOR}" "{FIREFOX}" "$@"\n')
        door.chmod(0o700)
        async with async_playwright() as playwright:
            browser = await playwright.firefox.launch(
                channel="moz-firefox",
                executable_path=door,
                firefox_user_prefs={**PREFERENCES, **preferences},
                timeout=90_000,
            )
            try:
                yield browser
            finally:
                await browser.close()
