"""Numbers that a viewer's streams begin with."""

from __future__ import annotations

import random

from ..rtc.answers import ViewerSsrcs


def draw_ssrcs(source: random.Random) -> ViewerSsrcs:
    """Three that differ."""
    video, rtx, audio = source.sample(range(1, 1 << 32), 3)
    return ViewerSsrcs(video, rtx, audio)


def draw_starts(source: random.Random) -> tuple[int, int, int]:
    """First own sequences: below 2**15, so that no player guesses a roll-over (fan-out interface)."""
    draw = source.randrange
    return draw(1024, 1 << 15), draw(1024, 1 << 15), draw(1024, 1 << 15)
