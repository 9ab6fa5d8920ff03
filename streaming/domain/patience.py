"""How long a player should hold a frame, so that what its path loses is repaired before it is missed.

Where packets are lost at random, a repair takes a round trip, and fails as often as the request or
the repair is lost again. A player that shows each frame as soon as it can freezes when two rounds
fail; one that holds it for as many rounds as its loss needs does not. Only those who lose packets
pay for it with delay. Pure: `now` is an argument, in seconds.
"""

from __future__ import annotations

from typing import Final

LOSSY: Final = 0.01  # from here on, smoothed, a path counts as lossy
SMOOTHING: Final = 0.25  # of one window
FIRST_WINDOWS: Final = 2  # each of these counts alone
FIRST_PACKETS: Final = 60  # of the first window: the pictures that a viewer begins with fill it at once
WINDOW_SECONDS: Final = 0.5
WINDOW_PACKETS: Final = 50
MISSED: Final = 1e-6  # wanted: at most this share of the packets is not there in time, one in an hour of 720p
ANSWER_SECONDS: Final = 0.020  # a player looks for what to ask again every 20 ms
FRAME_SECONDS: Final = 0.034  # the loss of a frame's last packet shows when the next frame comes
CLOCK_SECONDS: Final = 0.1  # spare: a clock that follows the quickest packets trembles on a lossy path
STEP_MS: Final = 20  # a change is shown at once, as a pause of the picture: small ones are not seen
STEP_SECONDS: Final = 0.1
FIRST_STEP_MS: Final = 120  # shorter than what counts as a freeze
SLACK_MS: Final = 60  # a need that grew by less is no need
DELAY_MS_MAX: Final = 600  # with all else the viewer stays less than a second behind
DELAY_MS_LONGEST: Final = 10_000  # what a player may add by itself: its own limit
RELAX_SECONDS: Final = 20.0  # of less need, before a delay is shortened
_ROUNDS_MAX: Final = 8


class Patience:
    """One viewer's delay: lengthened soon, shortened late, and always in small steps."""

    def __init__(self, first: int) -> None:
        """`first`: the sequence that its stream begins with."""
        self.delay_ms = 0  # of now
        self.target_ms = 0
        self.loss = 0.0  # smoothed share
        self._windows = 0
        self._window = (first - 1, 0, float("-inf"))  # highest, lost, when
        self._needed_s = 0.0  # when so much was needed last
        self._before = (0.0, 0)  # loss and target before the newest window

    def heard(self, highest: int, lost: int, rtt_s: float, now: float, *, full: bool = False) -> bool:
        """A report block: what it counts since the beginning, round trip. True when steps are to be made.

        `full`: the path gets more than it bears. Then neither what is lost now nor in the newest window
        was chance, and holding frames repairs none of it.
        """
        if full:
            self.loss, self.target_ms = self._before
            self._window = (highest, lost, now)
            return self.delay_ms != self.target_ms
        share = self._share(highest, lost, now)
        if share is None:
            return False
        # The first pictures come as a burst, and a burst may lose where a stream does not: the window
        # behind it decides anew.
        weight = 1.0 if self._windows < FIRST_WINDOWS else SMOOTHING
        self._windows += 1
        self._before = self.loss, self.target_ms
        self.loss += weight * (share - self.loss)
        wanted = needed_ms(self.loss, rtt_s) if self.loss >= LOSSY else 0
        if wanted >= self.target_ms - SLACK_MS:
            self._needed_s = now
        if self._windows <= FIRST_WINDOWS or wanted > self.target_ms + SLACK_MS or self._is_over(now):
            self.target_ms, self._needed_s = wanted, now
        return self.delay_ms != self.target_ms

    def restart(self, highest: int, lost: int, now: float) -> None:
        """What was lost until now was no chance: what comes is counted from here."""
        if self._windows:
            self._window = (highest, lost, now)

    def _is_over(self, now: float) -> bool:
        return now - self._needed_s >= RELAX_SECONDS

    def step(self) -> bool:
        """Go one step towards the target, each STEP_SECONDS. True while there are more."""
        step = STEP_MS if self.delay_ms else FIRST_STEP_MS
        self.delay_ms += max(-STEP_MS, min(step, self.target_ms - self.delay_ms))
        return self.delay_ms != self.target_ms

    def _share(self, highest: int, lost: int, now: float) -> float | None:
        """The share lost in a window that is full now."""
        before, lost_before, since_s = self._window
        expected = highest - before
        if expected < (FIRST_PACKETS if not self._windows else WINDOW_PACKETS):
            return None
        if now - since_s < WINDOW_SECONDS:
            return None
        self._window = (highest, lost, now)
        return min(1.0, max(0, lost - lost_before) / expected)


def needed_ms(loss: float, rtt_s: float) -> int:
    """Rounds of repair until less than MISSED is open, one frame, in whole steps."""
    rounds, open_share = 0, loss
    while open_share > MISSED and rounds < _ROUNDS_MAX:
        open_share *= min(1.0, loss + loss * loss)  # the request is lost, or both copies of the repair
        rounds += 1
    needed = rounds * (rtt_s + ANSWER_SECONDS) + FRAME_SECONDS + CLOCK_SECONDS
    return min(DELAY_MS_MAX, -int(-needed * 1000 // STEP_MS) * STEP_MS)


def playout_delay(least_ms: int) -> bytes:
    """The header extension of that name: least and longest delay, 12 bits each, in 10 ms."""
    return (least_ms // 10 << 12 | DELAY_MS_LONGEST // 10).to_bytes(3, "big")
