"""What staff had a desk do, as lines of the trail: one for each accepted command, in its order. Pure.

The log says who asked for what, so no accepted command can be without its line, whatever became of the front
that sent it. What the books did first (a show opened, goods and offers put into it) has its line there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from commerce.books.audit import STAFF, Line
from commerce.show import events as e
from commerce.show.commit import Commit

WITH_THE_BOOKS: Final = frozenset({"OpenShow", "AllotStock", "AddOffer"})
# command → the event that says what it was about, and what of it
ABOUT: Final[dict[str, tuple[type[Any], tuple[str, ...]]]] = {
    "PinOffer": (e.OfferPinned, ("offer",)),
    "UnpinOffer": (e.OfferUnpinned, ("offer",)),
    "RepriceOffer": (e.OfferRepriced, ("offer", "price")),
    "WithdrawOffer": (e.OfferWithdrawn, ("offer",)),
    "PutOnAir": (e.FeedPutOnAir, ("studio",)),
    "TakeOffAir": (e.FeedTakenOffAir, ("studio",)),
}
_TOLD: Final = frozenset({kind for kind, _ in ABOUT.values()})


def lines_of(show: str, commits: Iterable[Commit]) -> list[Line]:
    """The lines that these commits of a show ask for."""
    lines = []
    for commit in commits:
        lately: dict[type[Any], Any] = {}  # the last of each kind since the command before
        for event in commit.events:
            kind = type(event)
            if kind in _TOLD:
                lately[kind] = event
            elif isinstance(event, e.CommandAccepted):
                if event.actor.startswith(STAFF) and event.command not in WITH_THE_BOOKS:
                    lines.append(_line(show, commit, event, lately))
                lately = {}
            elif kind is e.CommandRefused:
                lately = {}
    return lines


def _line(show: str, commit: Commit, done: e.CommandAccepted, lately: dict[type[Any], Any]) -> Line:
    """What a command that changed nothing was about the log does not say."""
    kind, names = ABOUT.get(done.command, (None, ()))
    event = lately.get(kind) if kind else None
    about = {name: getattr(event, name) for name in names} if event else {}
    subject = done.result.get("order", show)
    return Line(done.actor, done.command, subject, {**about, "version": commit.version}, commit.at)
