"""One entry of a show's log, as a value. How it is spelt in Redis is commerce/live/log.py's matter."""

from __future__ import annotations

from typing import Final, NamedTuple

from commerce.show.events import Event

FORMAT: Final = 1


class Commit(NamedTuple):
    """What was decided at once. `version` N counts from 1 without gaps; see docs/event-log.md."""

    version: int
    by: str  # incarnation of the desk that wrote it
    prev_by: str  # that of the commit before, empty in the first
    at: int  # Redis time in ms, never behind the commit before
    inbox: str  # the last inbox entry taken into account, "0-0" when none was
    events: tuple[Event, ...]
