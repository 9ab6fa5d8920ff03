"""`make pictures`: takes the pictures of the README from a running demo, as a visitor would see it."""

from __future__ import annotations

import io
import sys
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page

from demo import steps
from demo.browser import DESK, PHONE, chromium, tab
from demo.own import own_demo
from demo.procfile import ROOT
from demo.settings import Refusal

FOLDER: Final = ROOT / "docs/pictures"
QUALITY: Final = 82


def keep(page: Page, name: str) -> None:
    """A screenshot as WebP, half as large as the screen is sharp."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(FOLDER / f"{name}.webp", quality=QUALITY, method=6)


def take(sheet: dict[str, Any]) -> None:
    with chromium() as browser:
        host = tab(browser, DESK)
        steps.sign_in(host, sheet["host"], **sheet["logins"]["host"])
        phone, desk = tab(browser, PHONE, device_scale_factor=2), tab(browser, DESK)
        for page in (phone, desk):
            steps.watch(page, sheet["viewer"])
        offer = steps.pin_first(host)
        for page in (phone, desk):
            steps.see_pin(page, offer)
        keep(phone, "player-phone")
        keep(desk, "player-desk")
        order = steps.buy(phone)
        steps.pay(phone)
        keep(phone, "order-phone")
        steps.see_order(host, order)
        keep(host, "host")


def main() -> int:
    """Start a demo, take the pictures, end it."""
    try:
        with own_demo() as sheet:
            take(sheet)
    except Refusal as wrong:
        print(f"make pictures: {wrong}", file=sys.stderr)
        return 1
    print(f"pictures are in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
