"""The slate on air: a loop of ready pictures and silence, played like a feed.

It plays only while a program listens, and begins with its keyframe whenever one starts to.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..contract import Codec, StudioId
from ..domain import timeline
from ..fanout import Kind
from ..rtc.packetise import payloads
from ..slate import FRAMES_PER_SECOND
from .source import FeedPacket, Listener

SILENCE: Final = bytes((0xF8, 0xFF, 0xFE))  # 20 ms of Opus, stereo (RFC 6716: CELT, nothing coded)
SOUNDS_PER_SECOND: Final = 50
CATCH_UP_SECONDS: Final = 0.2  # a loop that was held plays no more than this at once
_numbers = itertools.count(-1, -1)  # feeds count up from 1


@dataclass(slots=True)
class SlateTrack:
    """One stream of the slate."""

    rate_hz: int
    tick: int | None = None
    sequence: int = 0
    capture: timeline.CaptureClock = field(init=False)

    def __post_init__(self) -> None:
        self.capture = timeline.CaptureClock(self.rate_hz)


class Slate:
    """One program's slate."""

    studio: StudioId | None = None
    pulled = False
    names = ("",)

    def __init__(self, codec: Codec, units: tuple[bytes, ...]) -> None:
        self.number, self.era, self.codec = next(_numbers), 0, codec
        self.listeners: list[Listener] = []
        self.media_s: float | None = None
        self._video, self._audio = SlateTrack(timeline.VIDEO_HZ), SlateTrack(timeline.AUDIO_HZ)
        self.tracks: Mapping[Kind, SlateTrack] = {"video": self._video, "audio": self._audio}
        self.layers: Mapping[str, SlateTrack] = {"": self._video}
        self._pictures = [payloads(codec, unit) for unit in units]
        self._began_s: float | None = None
        self._shown = self._sounded = 0  # since it began

    def request_keyframe(self, now: float, rid: str | None = None) -> None:
        """Nothing to do: the loop has one every two seconds, and begins with one."""

    def tick(self, now: float) -> None:
        """Play what is due."""
        if not self.listeners:
            self._began_s = None
            return
        if self._began_s is None or now - self._due_s() > CATCH_UP_SECONDS:
            self._begin(now)
        while self._began_s is not None and self.listeners and self._due_s() <= now:
            self._picture(now)
        while self._began_s is not None and self._began_s + self._sounded / SOUNDS_PER_SECOND <= now:
            self._sound(now)

    def _begin(self, now: float) -> None:
        self._began_s, self._shown, self._sounded = now, 0, 0

    def _due_s(self) -> float:
        return (self._began_s or 0.0) + self._shown / FRAMES_PER_SECOND

    def _picture(self, now: float) -> None:
        pieces = self._pictures[self._shown % len(self._pictures)]
        self._video.tick = (self._video.tick or 0) + timeline.VIDEO_HZ // FRAMES_PER_SECOND
        keyframe = self._shown % len(self._pictures) == 0
        for number, piece in enumerate(pieces):
            self._video.sequence += 1
            self._say(
                FeedPacket(
                    kind="video",
                    sequence=self._video.sequence,
                    tick=self._video.tick,
                    marker=number == len(pieces) - 1,
                    payload=piece,
                    keyframe=keyframe and number == 0,
                    arrived_s=now,
                )
            )
        self._shown += 1

    def _sound(self, now: float) -> None:
        self._audio.tick = (self._audio.tick or 0) + timeline.AUDIO_HZ // SOUNDS_PER_SECOND
        self._audio.sequence += 1
        self._say(FeedPacket("audio", self._audio.sequence, self._audio.tick, False, SILENCE, False, now))
        self._sounded += 1

    def _say(self, packet: FeedPacket) -> None:
        self.media_s = packet.arrived_s
        for listener in list(self.listeners):
            listener.take(self, packet)
