"""What is on air: a program for every show whose stage says so, made of feeds or of the slate.

It turns stages (what the shop wants) into programs, and tells facts (what happened). It knows no
session and no HTTP; facts wait in a bounded queue for whoever carries them away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from ..contract import (
    AudienceCounted,
    Codec,
    Fact,
    ProgramCut,
    ProgramEnded,
    ProgramStarted,
    ProgramTime,
    RelayId,
    ShowId,
    Stage,
    StudioId,
)
from ..fanout import Fanout
from .clock import Clock
from .program import Cut, Program
from .slate import Slate
from .source import Source

FACTS_MAX: Final = 1024
SILENT_SECONDS: Final = 1.0  # without a packet of its picture, and the slate goes on air
EXPECTED_SECONDS: Final = 2.0  # what is on air may stand so long, for a picture that another relay has

_log = structlog.get_logger(__name__)


class Shows:
    """All programs of one relay."""

    def __init__(
        self,
        relay: RelayId,
        fanout: Fanout,
        clock: Clock,
        feeds: Mapping[StudioId, Source],
        pulls: Mapping[ShowId, Source] | None = None,
        *,
        dismiss: Callable[[Program], None],
        take_back: Callable[[Program], None],
        send_away: Callable[[Source], None],
    ) -> None:
        """`feeds` and `pulls` (by show) are looked at, never changed; `dismiss` ends the sessions of a
        program's viewers, `take_back` those of the relays among them, and `send_away` that of a studio which
        sends another codec than its show's: when it comes again it is told the right one."""
        self.programs: dict[ShowId, Program] = {}
        self.stages: dict[ShowId, Stage] = {}
        self.facts: deque[Fact] = deque(maxlen=FACTS_MAX)
        self.facts_dropped = 0
        self.fact_came = asyncio.Event()
        self._relay, self._fanout, self._clock = relay, fanout, clock
        self._feeds, self._pulls, self._dismiss, self._take_back = (
            feeds,
            {} if pulls is None else pulls,
            dismiss,
            take_back,
        )
        self._send_away = send_away
        self._counted: dict[ShowId, int] = {}
        self.pictures: dict[Codec, tuple[bytes, ...]] = {}
        self._slates: dict[ShowId, Slate] = {}
        self._awake_s = float("-inf")
        self._turned_s: dict[ShowId, float] = {}  # when the shop wished for another studio
        self.expected: Callable[[ShowId, StudioId], bool] = lambda show, studio: False

    def set_stage(self, stage: Stage) -> None:
        """Make the picture that the shop wants; an older wish than the last is ignored."""
        known = self.stages.get(stage.show)
        if known is not None and stage.version < known.version:
            return
        self.stages[stage.show] = stage
        if known is None or known.studio != stage.studio:
            self._turned_s[stage.show] = self._clock.now()
        program = self.programs.get(stage.show)
        if program is not None and (not stage.on_air or program.codec != stage.codec):
            self._take_down(program)
            program = None
        if stage.on_air and program is None:
            since_s = stage.since_ms / 1000 if stage.since_ms else None
            program = Program(
                stage.show, stage.codec, self._fanout, self._clock, self._program_cut, since_unix_s=since_s
            )
            self.programs[stage.show] = program
        if program is not None:
            self._wish(program, self._clock.now())

    def show_slate(self, codec: Codec, pictures: tuple[bytes, ...]) -> None:
        """From now on a program of this codec without a studio shows these access units."""
        self.pictures[codec] = pictures

    def _wish(self, program: Program, now: float) -> None:
        """The studio of the stage while its media comes, else the slate."""
        studio = self.stages[program.show].studio
        feed = None if studio is None else self._feed_of(program.show, studio)
        if feed is not None and feed.codec != program.codec:
            self._send_away(feed)
            feed = None
        if feed is not None and not self.is_silent(feed, now):
            in_vain = program.awaits_in_vain(feed, now - SILENT_SECONDS)
            program.wish((self._slate_of(program) if in_vain else None) or feed, now)
        elif studio is None or not self._waits(program, studio, now):
            program.wish(self._slate_of(program), now)

    def is_silent(self, feed: Source, now: float) -> bool:
        """Whether nothing of its picture came for so long that the slate takes its place."""
        return feed.media_s is not None and now - max(feed.media_s, self._awake_s) > SILENT_SECONDS

    def awake(self, now: float) -> None:
        """This relay itself stood still: what studios sent meanwhile waits to be read; none was silent."""
        self._awake_s = now
        for program in self.programs.values():
            program.waking.woke_s = now

    def _feed_of(self, show: ShowId, studio: StudioId) -> Source | None:
        """The studio itself, else what another relay gives of it for this show."""
        pulled = self._pulls.get(show)
        return self._feeds.get(studio) or (pulled if pulled is not None and pulled.studio == studio else None)

    def _waits(self, program: Program, studio: StudioId, now: float) -> bool:
        """Whether what is seen may stand a moment longer: a slate between two studios is no cut."""
        if not self.expected(program.show, studio):
            return False
        other = program.studio not in (None, studio)
        since = self._turned_s[program.show] if other else program.heard_s
        return since is not None and now - since < EXPECTED_SECONDS

    def _slate_of(self, program: Program) -> Slate | None:
        if program.show not in self._slates and program.codec in self.pictures:
            self._slates[program.show] = Slate(program.codec, self.pictures[program.codec])
        return self._slates.get(program.show)

    def _take_down(self, program: Program) -> None:
        del self.programs[program.show]
        self._slates.pop(program.show, None)
        self._counted.pop(program.show, None)
        self._dismiss(program)
        program.close()
        self.say(ProgramEnded(program.show, self._relay, self._unix_ms()))

    def _program_cut(self, program: Program, cut: Cut) -> None:
        at = self._unix_ms()
        if cut.first and cut.studio is not None:
            self.say(ProgramStarted(program.show, self._relay, cut.studio, at))
        self.say(ProgramCut(program.show, self._relay, cut.studio, cut.program_time, at))
        # Our slate must not keep other relays from a studio elsewhere; and they pull what there was.
        if cut.studio is None or cut.regrouped:
            self._take_back(program)
        _log.info("program_cut", show=program.show, studio=cut.studio, program_time=cut.program_time)

    def say(self, fact: Fact) -> None:
        """Put a fact into the queue; when it is full the oldest is lost and counted."""
        if len(self.facts) == FACTS_MAX:
            self.facts_dropped += 1
        self.facts.append(fact)
        self.fact_came.set()

    def _unix_ms(self) -> int:
        return self._clock.unix_ms(self._clock.now())

    # -- feeds and time ----------------------------------------------------------------------------

    def codec_of(self, studio: StudioId) -> Codec:
        """The codec that a studio must send: that of the show which has it on stage."""
        return next((s.codec for s in self.stages.values() if s.on_air and s.studio == studio), "H264")

    def feed_came(self) -> None:
        """A studio can be cut to now."""
        for program in self.programs.values():
            self._wish(program, self._clock.now())

    def feed_renamed(self, feed: Source) -> None:
        """What comes by it is another studio's from now on: a cut that was made elsewhere."""
        for program in self.programs.values():
            if program.shows(feed):
                self._program_cut(
                    program, Cut(feed.studio, ProgramTime(program.clock.last_ticks), first=False)
                )
            self._wish(program, self._clock.now())

    def feed_gone(self, feed: Source) -> None:
        """What shows this feed goes to the slate, and is given on no more."""
        for program in self.programs.values():
            studio = feed.studio if program.shows(feed) else None
            if studio is not None and self._feed_of(program.show, studio) is None:
                self._take_back(program)
            program.lose(feed)
            self._wish(program, self._clock.now())

    def viewers(self) -> int:
        """How many are watching."""
        return sum(program.audience for program in self.programs.values())

    @property
    def playing(self) -> bool:
        """Whether a slate or a choice of renditions is on air and needs the quick beat."""
        layered = any(program.layered for program in self.programs.values())
        return layered or any(slate.listeners for slate in self._slates.values())

    def tick(self, now: float) -> None:
        """Every few milliseconds while a slate plays, else now and then."""
        for program in list(self.programs.values()):
            self._wish(program, now)
            if program.layered:
                program.adapt(now)
        for slate in self._slates.values():
            slate.tick(now)
        self.flush()

    def flush(self) -> None:
        """Hand on what programs gathered."""
        for program in self.programs.values():
            program.flush()

    def every_second(self, now: float) -> None:
        """Sender reports to viewers, the audience to the shop."""
        for program in self.programs.values():
            program.report(now)
            viewers = program.audience
            if self._counted.get(program.show) != viewers:
                self._counted[program.show] = viewers
                self.say(AudienceCounted(program.show, self._relay, viewers, self._clock.unix_ms(now)))
