"""Who watches which rendition of one program: the start, the choice, the switch at a keyframe.

Knows viewers and renditions. Which feed is on air, and what time it is there, is the program's matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping

from ..domain.ladder import Rung
from ..fanout import Packet
from .rendition import KEYFRAME_AGE_SECONDS, Audience, Rendition


class Watching:
    """The viewers of one program."""

    def __init__(
        self,
        video: Mapping[str, Rendition],
        flush: Callable[[Rendition], None],
        ask: Callable[[float, str], None],
    ) -> None:
        """`video` is looked at, never changed; `flush` hands on what a rendition gathered, and `ask` asks
        for a keyframe of one."""
        self.viewers: set[Audience] = set()
        self._video, self._flush, self._ask = video, flush, ask
        self._followed: dict[Audience, Rendition] = {}

    @property
    def persons(self) -> int:
        """How many are watching here; other relays count their own."""
        return sum(viewer.pin is None for viewer in self.viewers)

    def followers(self) -> Callable[[Rendition], int]:
        """How many follow a rendition just now."""
        counted = Counter(id(rendition) for rendition in self._followed.values())
        return lambda rendition: counted[id(rendition)]

    def wanted_of(self, viewer: Audience) -> Rendition | None:
        """What it waits for, or else follows."""
        return next((r for r in self._video.values() if r.awaits(viewer)), self._followed.get(viewer))

    # -- beginnings --------------------------------------------------------------------------------

    def admit(self, viewer: Audience, choice: list[Rendition], now: float) -> None:
        """Start a viewer at once from the packets since the last keyframe, else at the next one."""
        self.viewers.add(viewer)
        largest_first = sorted(
            (r for r in choice if _takes(viewer, r.name)), key=Rendition.size, reverse=True
        )
        starts = [(r, packets) for r in largest_first if (packets := r.start_packets(now))]
        if starts:
            rendition, cached = next((s for s in starts if _is_gentle(viewer, *s)), starts[-1])
            self._follow(viewer, rendition, cached[0].sequence, cached)
        elif largest_first:
            borne = (r for r in largest_first if viewer.bears(r.bps, 0))
            self._wait(viewer, next(borne, largest_first[-1]), now)

    def renew(self, viewer: Audience, now: float, room_bytes: int) -> None:
        """Begin again with what it follows: from the last keyframe where there is room or that is new, else
        with the next. Who rests begins with one anyway."""
        watched = self._followed.get(viewer)
        if watched is None or viewer.held:
            return
        cached = watched.start_packets(now)
        size_bytes = sum(len(packet.payload) for packet in cached)
        if cached and (size_bytes <= room_bytes or now - watched.keyframe_s < KEYFRAME_AGE_SECONDS):
            self._follow(viewer, watched, cached[0].sequence, cached)
        else:
            viewer.hold()
            self._wait(viewer, watched, now)

    def adopt(self, rendition: Rendition, names: Collection[str]) -> None:
        """The first keyframe of an encoding since the cut, the encodings on air being `names`: whoever
        watches what is gone goes there."""
        rendition.waiting.update(
            viewer
            for viewer in self.viewers
            if _takes(viewer, rendition.name)
            and (viewer not in self._followed or self._followed[viewer].name not in names)
        )

    def keyframe(self, rendition: Rendition, first: int) -> None:
        """A new group of pictures: those who wait begin here."""
        for other in self._video.values() if rendition.waiting else (rendition,):
            self._flush(other)
        for viewer, followed in list(self._followed.items()):
            if followed is rendition and viewer not in rendition.waiting:
                viewer.keyframe(rendition, first)
        for viewer in list(rendition.waiting):
            self._follow(viewer, rendition, first, [])

    def dismiss(self, viewer: Audience) -> None:
        """A viewer left."""
        self.viewers.discard(viewer)
        self._followed.pop(viewer, None)
        self._await_nothing(viewer)

    def _follow(self, viewer: Audience, rendition: Rendition, first: int, cached: list[Packet]) -> None:
        self._await_nothing(viewer)
        self._followed[viewer] = rendition
        viewer.begin(rendition, first, cached)

    def _wait(self, viewer: Audience, rendition: Rendition, now: float) -> None:
        """Follow a rendition from its next keyframe on; until then what one has goes on."""
        self._await_nothing(viewer)
        rendition.waiting.add(viewer)
        is_climb = viewer in self._followed and rendition.bps > self._followed[viewer].bps
        self._ask_for(rendition, now, hurry=not is_climb)

    def _ask_for(self, rendition: Rendition, now: float, *, hurry: bool = False) -> None:
        if rendition.should_ask(now, hurry=hurry):
            self._ask(now, rendition.name)

    def _await_nothing(self, viewer: Audience) -> None:
        for rendition in self._video.values():
            rendition.waiting.discard(viewer)

    def reporting(self, report: int, now: float) -> None:
        """A sender report of this middle NTP time leaves next."""
        for viewer in self.viewers:
            viewer.reporting(report, now)

    # -- quality -----------------------------------------------------------------------------------

    def adapt(self, alive: list[Rendition], sound_bps: int, now: float) -> None:
        """Give each viewer the rendition that its path bears. Another relay keeps its one."""
        measured = sorted((r for r in alive if r.bps), key=lambda rendition: rendition.bps)
        rungs = tuple(Rung(r.name, r.bps) for r in measured)
        loud = tuple(Rung(r.name, r.bps + sound_bps) for r in measured)
        if not rungs:
            return
        for rendition in (r for r in measured if r.waiting and not r.asked):
            self._ask_for(rendition, now)
        for viewer in self.viewers:
            watched = self._followed.get(viewer)
            settled = len(rungs) == 1 and watched in alive and not viewer.held
            if viewer.pin is None and not settled and viewer.due(now):
                name = viewer.adapt(loud if viewer.hears else rungs, now)
                self._change(viewer, watched, None if name is None else self._video[name], now)

    def _change(
        self, viewer: Audience, watched: Rendition | None, wanted: Rendition | None, now: float
    ) -> None:
        """Let a viewer follow what it wants from the next keyframe on; None: let it rest."""
        if wanted is None or (wanted is watched and not viewer.held):
            self._await_nothing(viewer)
        if watched is not None and (wanted is None or wanted.bps < watched.bps):
            self._flush(watched)  # so that what was numbered leaves before the pause
            viewer.hold()
        if wanted is not None and (wanted is not watched or viewer.held) and viewer not in wanted.waiting:
            self._wait(viewer, wanted, now)


def _is_gentle(viewer: Audience, rendition: Rendition, start: list[Packet]) -> bool:
    return viewer.bears(rendition.bps, sum(len(packet.payload) for packet in start))


def _takes(viewer: Audience, name: str) -> bool:
    """A person takes any rendition, another relay the one that it asked for."""
    return viewer.pin is None or viewer.pin == name
