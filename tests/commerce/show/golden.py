"""Golden logs: what a show wrote once, and what people saw of it. Read here and by the JavaScript tests.

A file holds `commits` (as in the log, with `[type, schema, body]` events) and for three eyes the `views` at
each version and the `patches` from each version to the next. `python -m tests.commerce.show.golden` writes
the files that are missing; a file that is there is never edited, because logs like it lie in the world.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from commerce.show import commands as c
from commerce.show import events
from commerce.show.commit import Commit
from commerce.show.evolve import fold
from commerce.show.language import OrderLine, SkuLine
from commerce.show.state import fresh
from commerce.show.view import HOST, PUBLIC, Projection, own, view
from tests.commerce.desk_in_hand import DeskInHand
from tests.commerce.shop import TITLE, opening, order, payment

FOLDER = Path(__file__).parent / "golden"
EYES = {"public": PUBLIC, "buyer ann": own("ann"), "host": HOST}


def plain(commit: Commit) -> dict[str, Any]:
    return {**commit._asdict(), "events": [events.to_wire(event) for event in commit.events]}


def commit_of(wire: dict[str, Any]) -> Commit:
    return Commit(**{**wire, "events": tuple(events.from_wire(event) for event in wire["events"])})


def seen(show: str, commits: list[Commit]) -> dict[str, Any]:
    """For each eye: the view at every version (0 is before the first commit) and the patches between."""
    found: dict[str, Any] = {}
    for name, eye in EYES.items():
        projection = Projection(fresh(show, remembers=False))
        views, patches = [view(projection.state, eye)], []
        for commit in commits:
            fold(projection.state, commit)
            projection.commit_folded(commit.events)
            patches.append(projection.since(commit.version - 1, eye))
            views.append(view(projection.state, eye))
        found[name] = json.loads(json.dumps({"views": views, "patches": patches}))
    return found


def evening() -> DeskInHand:
    """A broadcast with everything that can happen in one."""
    desk = DeskInHand("evening")
    for command in opening(10, limit=3):
        desk.ask(command, "host")
    desk.ask(c.PutOnAir("studio-1"), "host")
    desk.ask(c.PinOffer("single", 3_600_000), "host")
    desk.ask(order("o1"), "ann", "k1")
    desk.ask(order("o1"), "ann", "k1")
    desk.ask(order("o2", "bob", "pair", 2, 1_800), "bob")
    desk.ask(order("o3", quantity=3), "ann")
    desk.ask(payment("o1"), "bank")
    desk.ask(payment("o2", "pay-2", 3_600, "unknown"), "bank")
    desk.wait(120)
    desk.ask(c.RepriceOffer("single", 900), "host")
    desk.ask(order("o4", "cyd"), "cyd")
    desk.ask(order("o4", "cyd", price=900), "cyd")
    desk.ask(c.CancelOrder("o4", "ann"), "ann")
    desk.ask(c.CancelOrder("o4", "cyd"), "cyd")
    desk.wait(20, outage_ms=20_000)
    desk.wait(300)
    desk.ask(payment("o2", "pay-2", 3_600), "bank")
    mixed = c.PlaceOrder(
        "o5",
        "ann",
        "contact-ann",
        (OrderLine("single", 1, 900), OrderLine("pair", 1, 1_800)),
        500,
        90,
        40,
        3_250,
    )
    desk.ask(mixed, "ann")
    desk.ask(order("o6", "dee", "pair", 1, 1_800), "dee")
    desk.ask(c.ArrangeRundown(("pair", "single")), "host")
    desk.ask(c.AddOffer("last", TITLE, None, (SkuLine("scarf", 1),), 100, before=1_000, cap=1), "host")
    desk.ask(c.UnpinOffer(), "host")
    desk.ask(c.PinOffer("pair"), "host")
    desk.ask(c.WithdrawOffer("pair"), "host")
    desk.ask(c.CloseShow(), "host")
    desk.ask(payment("o6", "pay-6", 1_800), "bank")
    desk.wait(301)
    desk.ask(payment("o5", "pay-5", 3_250), "bank")
    return desk


def sold_out() -> DeskInHand:
    """Two pieces, five buyers, a late payment that finds the stock gone."""
    desk = DeskInHand("sold-out")
    for command in opening(2):
        desk.ask(command, "host")
    desk.ask(order("o1", "ann"), "ann")
    desk.ask(order("o2", "bob"), "bob")
    desk.ask(order("o3", "cyd"), "cyd")
    desk.wait(300)
    desk.ask(order("o4", "dee", quantity=2), "dee")
    desk.ask(payment("o1"), "bank")
    desk.ask(payment("o4", "pay-4", 2_000), "bank")
    desk.ask(payment("o4", "pay-5", 2_000), "bank")
    return desk


LOGS: dict[str, Callable[[], DeskInHand]] = {"evening": evening, "sold-out": sold_out}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, play in LOGS.items():
        path = FOLDER / f"{name}.json"
        if not path.exists():
            desk = play()
            commits = [plain(commit) for commit in desk.commits]
            log = {"show": desk.state.show, "commits": commits, "eyes": seen(desk.state.show, desk.commits)}
            path.write_text(json.dumps(log, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
