"""What a path of known width may begin with, and how fast. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .narrow import SOUND_BPS

USABLE: Final = 0.97  # the rest is headers, reports, checks
CATCH_UP_SECONDS: Final = 1.0  # so long may pictures since the keyframe be late behind a beginning


@dataclass(frozen=True, slots=True)
class Width:
    """A path that lets `bps` through."""

    bps: int
    sound_bps: int = SOUND_BPS  # headers included

    @property
    def fits_bps(self) -> int:
        """The most that may be sent, sound included."""
        return int(self.bps * USABLE)

    def picture_bps(self, *, sound: bool) -> int:
        """The most that the picture may cost."""
        return self.fits_bps - (self.sound_bps if sound else 0)

    def bears(self, bps: int, start_bytes: int, *, sound: bool) -> bool:
        """Whether a rendition of this rate fits, and what it begins with is soon caught up with."""
        room_bps = self.picture_bps(sound=sound) - bps
        return room_bps > 0 and start_bytes * 8 <= CATCH_UP_SECONDS * room_bps
