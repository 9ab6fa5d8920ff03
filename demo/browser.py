"""A headless Chromium as people have it: Debian's, with a pretended camera, under its own autoplay policy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo.settings import Refusal

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream=fps=30",
    "--use-fake-ui-for-media-stream",
)
PATIENCE_MS: Final = 40_000
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1440, "height": 900}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; raises Refusal where there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise Refusal("There is no Chromium here; `make system` installs it.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def tab(browser: Browser, size: dict[str, int], **options: Any) -> Page:
    """A page with a profile of its own; a script error in it raises at the next `raise_errors`."""
    context = browser.new_context(
        viewport=size,  # type: ignore[arg-type]  # playwright wants its own TypedDict
        ignore_https_errors=True,  # HTTPS=1: the local authority is nobody's but this machine's
        **options,
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    return page
