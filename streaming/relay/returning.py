"""When a viewer is back from where nothing reached it, and which of its words are still about that time.

Joins the rule of `domain/absence.py` to RTCP and to what left for the viewer. Knows one viewer's numbers;
what is given to it then is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..domain import timeline
from ..domain.absence import Absence
from ..domain.overflow import Left
from ..rtc import rtcp
from .following import Span


class Returning:
    """One viewer's."""

    def __init__(self, now: float) -> None:
        self._absence = Absence(now)
        self._until: dict[int, int] = {}  # SSRC -> own sequence: reports up to there tell of an absence

    def is_back(
        self,
        heard: Iterable[rtcp.Heard],
        ssrc: int,
        spans: Sequence[Span],
        left: Callable[[int], Left | None],
        now: float,
    ) -> bool:
        """Whether nothing reached it until just now: it was silent, or asks for all of a long time.

        `ssrc` is its picture's, `spans` are that's; `left` tells when a packet left.
        """
        since = now - self._absence.silent_s(now)
        if self._absence.spoke(now):  # unless we were silent ourselves
            return bool(spans) and spans[-1].stream.flowed(since, now)
        for said in heard:
            if isinstance(said, rtcp.Nack) and said.media_ssrc == ssrc and spans:
                asked = [timeline.unwrapped(spans[-1].newest, sequence, 16) for sequence in said.sequences]
                if self._absence.asked(asked, left, now):
                    return True
        return False

    def moved(self, now: float) -> None:
        """It is elsewhere: what it missed on the way is no news any more."""
        self._absence.moved(now)

    def missed(self, streams: Mapping[int, Sequence[Span]]) -> None:
        """Much of these (SSRC -> spans): the next report of each tells of nothing else."""
        self._until |= {ssrc: spans[-1].newest + 1 for ssrc, spans in streams.items() if spans}

    def is_past(self, block: rtcp.ReportBlock) -> bool:
        """Whether what it lost since the report before was lost while nothing reached it."""
        until = self._until.get(block.ssrc)
        if until is not None and block.highest >= until:
            del self._until[block.ssrc]
        return until is not None
