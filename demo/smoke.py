"""`make smoke`: a browser watches, the host pins, the browser buys and pays, the host sees the order.

Uses the demo that runs in this checkout, or starts one of its own and ends it. The last line is one
JSON object; `ok` is the walk alone, the times are figures: on a quiet machine the first frame is on
screen within 700 ms, pin and order within 250 ms.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page

from demo import steps
from demo.browser import DESK, PHONE, chromium, tab
from demo.own import own_demo, running_demo
from demo.settings import Refusal


@contextmanager
def any_demo() -> Iterator[dict[str, Any]]:
    """The demo of this checkout when it runs, else one of our own."""
    sheet = running_demo(Path(os.environ.get("VAR_DIR") or "var"))
    with contextlib.nullcontext(sheet) if sheet else own_demo() as found:
        yield found


def walk(sheet: dict[str, Any]) -> dict[str, Any]:
    """The whole way once; gives the figures. Raises playwright's Error where a step fails."""
    with chromium() as browser:
        host, viewer = tab(browser, DESK), tab(browser, PHONE)
        steps.sign_in(host, sheet["host"], **sheet["logins"]["host"])
        steps.watch(viewer, sheet["viewer"])
        steps.turn_sound_on(viewer)
        offer = steps.pin_first(host)
        steps.see_pin(viewer, offer)
        order = steps.buy(viewer)
        steps.see_order(host, order)
        steps.pay(viewer)
        steps.see_order(host, order, "paid")
        figures = steps.measured(viewer)
        return {
            "first_frame_ms": figures["first_frame_ms"],
            "frames_decoded": figures["frames_decoded"],
            "pin_to_screen_ms": _between(host, "key 1", viewer, f"pinned {offer}"),
            "order_to_host_ms": _between(viewer, "press place-order", host, f"order {order}"),
        }


def _between(from_page: Page, from_what: str, to_page: Page, to_what: str) -> int:
    """Whole milliseconds from what one page noted to what another did; both clocks are this machine's."""
    return round(steps.noted(to_page, to_what) - steps.noted(from_page, from_what))


def main() -> int:
    """Exit code 0 when the walk went through, else 1; one JSON line last in both cases."""
    try:
        with any_demo() as sheet:
            result: dict[str, Any] = {"ok": True, **walk(sheet)}
    except Refusal as wrong:
        print(f"make smoke: {wrong}", file=sys.stderr)
        result = {"ok": False, "error": str(wrong)}
    except (Error, AssertionError) as wrong:  # playwright's `expect` asserts
        print(f"make smoke: a step did not come: {wrong}", file=sys.stderr)
        result = {"ok": False, "error": (str(wrong).splitlines() or ["?"])[0]}
    print(json.dumps(result))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
