"""The event streams of a relay's viewers: opened by them, fed once a second, gone with their session."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..contract import ShowId
from ..domain.happenings import EventStream
from ..domain.ladder import Rung
from ..rtc.session import Session
from .program import Program

STREAMS_MAX: Final = 2  # of one session; the oldest gives way


@dataclass(slots=True)
class Told:
    """One event stream and whoever reads it."""

    show: ShowId
    stream: EventStream
    came: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False
    reader: int = 0  # raised by each new reader: the one before gives way


class Telling:
    """All event streams, by session and by a name that cannot be guessed."""

    def __init__(self) -> None:
        self._streams: dict[str, dict[str, Told]] = {}
        self.elsewhere: Callable[[], str | None] = lambda: None  # the base address of another relay

    def open(self, session: str, program: Program, stream: EventStream, now: float) -> str:
        """The new stream's name; what stands now is told first."""
        mine = self._streams.setdefault(session, {})
        if len(mine) == STREAMS_MAX:
            self.close(session, next(iter(mine)))
        name = secrets.token_urlsafe(24)
        told = self._streams.setdefault(session, {})[name] = Told(program.show, stream)
        self._observe(told, program, now)
        return name

    def find(self, session: str, name: str) -> Told | None:
        """A stream that is open."""
        return self._streams.get(session, {}).get(name)

    def close(self, session: str, name: str) -> None:
        """What waits is dropped."""
        told = self._streams.get(session, {}).pop(name, None)
        if told is not None:
            told.closed = True
            told.came.set()
        if not self._streams.get(session, True):
            del self._streams[session]

    def forget(self, session: str) -> None:
        """The session ended, and its streams with it."""
        for name in list(self._streams.get(session, ())):
            self.close(session, name)

    def ask_to_reconnect(self, session: Session) -> bool:
        """Whether the player can be told to open another session; then it is, and where."""
        reached = False
        other = self.elsewhere()
        for told in self._streams.get(session.name, {}).values():
            if told.stream.tell("reconnect", {} if other is None else {"url": f"{other}/whep/{told.show}"}):
                told.came.set()
                reached = True
        return reached

    def every_second(self, programs: Mapping[ShowId, Program], now: float) -> None:
        """Tell what changed."""
        for mine in self._streams.values():
            for told in mine.values():
                program = programs.get(told.show)
                if program is not None:
                    self._observe(told, program, now)

    @staticmethod
    def _observe(told: Told, program: Program, now: float) -> None:
        told.stream.observe(program.live, program.audience, layers_of(program, now))
        if told.stream.waits:
            told.came.set()


def layers_of(program: Program, now: float) -> tuple[Rung, ...]:
    """The renditions that come just now, smallest first; none where there is no choice."""
    if not program.layered:
        return ()
    alive = [Rung(each.name, each.bps) for each in program.video.values() if each.bps and each.alive(now)]
    return tuple(sorted(alive, key=lambda rung: rung.bps))
