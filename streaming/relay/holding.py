"""How long one viewer's player is told to hold its frames: the rule of `domain/patience.py`, in small steps.

Knows what its reports say; how it is told is the viewer's matter.
"""

from __future__ import annotations

from collections.abc import Callable

from ..domain.patience import STEP_SECONDS, Patience
from ..rtc.rtcp import ReportBlock


class Holding:
    """One viewer's."""

    def __init__(
        self,
        first: int,
        tell: Callable[[int], None],
        later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        """`first`: the sequence that its stream begins with. `tell`: this delay in milliseconds."""
        self._patience = Patience(first)
        self._tell, self._later = tell, later
        self._stepping = False

    def reported(self, block: ReportBlock, rtt_s: float, now: float, *, full: bool) -> None:
        """Where packets are lost at random, frames are shown later, so that repairs come in time."""
        steps = self._patience.heard(block.highest, block.lost, rtt_s, now, full=full)
        if steps and not self._stepping:
            self._step()

    def restart(self, block: ReportBlock, now: float) -> None:
        """What was lost until now says nothing; frames are held as before until more is known."""
        self._patience.restart(block.highest, block.lost, now)

    def _step(self) -> None:
        """One small change of the delay, and the next a little later."""
        self._stepping = self._patience.step()
        self._tell(self._patience.delay_ms)
        if self._stepping:
            self._later(STEP_SECONDS, self._step)
