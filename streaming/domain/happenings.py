"""What one WHEP player is told of its program (events extension of draft-ietf-wish-whep-02). Pure.

Of every kind of event only the newest waits: a reader that is slow or away costs five short texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from .ladder import Rung

KINDS: Final = ("active", "inactive", "layers", "reconnect", "viewercount")


@dataclass(slots=True)
class EventStream:
    """The events that one reader asked for and has not read yet."""

    wanted: frozenset[str]
    video_line: int = 0  # which m-line of the player's offer is the picture
    _waiting: dict[str, str] = field(default_factory=dict)
    _active: bool = False  # an initial `inactive` is never told
    _viewers: int | None = None
    _layers: tuple[Rung, ...] | None = None

    def observe(self, active: bool, viewers: int, layers: tuple[Rung, ...]) -> None:
        """How the program stands now; what changed since the last look is to be told."""
        if active != self._active:
            self._active = active
            self._waiting.pop("inactive" if active else "active", None)
            self.tell("active" if active else "inactive", {})
        if viewers != self._viewers:
            self._viewers = viewers
            self.tell("viewercount", {"viewercount": viewers})
        names = [rung.name for rung in layers]
        if layers and names != [rung.name for rung in self._layers or ()]:
            self._layers = layers
            known = [{"rid": rung.name, "bitrate": rung.bps} for rung in layers]
            self.tell("layers", {str(self.video_line): known})

    def tell(self, kind: str, data: dict[str, object]) -> bool:
        """Whether the reader asked for it; then it waits for them."""
        if kind not in self.wanted:
            return False
        self._waiting[kind] = json.dumps(data, separators=(",", ":"))
        return True

    @property
    def waits(self) -> bool:
        """Whether something is to be read."""
        return bool(self._waiting)

    def take(self) -> list[tuple[str, str]]:
        """(event, data) of all that waits, oldest first; it waits no longer."""
        told = list(self._waiting.items())
        self._waiting.clear()
        return told
