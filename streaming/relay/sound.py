"""A program's sound as it leaves: plain, or in packets that carry the earlier ones once more (RED).

Such a form is made once for all viewers that call Opus by the same number, and is a source of its own
at the sender: the same sequences and times, other payloads. So a viewer goes from one form to
another between two packets. Knows packets, not who listens.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from ..domain.redundancy import Block, wrap
from ..fanout import Fanout, Packet, SourceId
from .rendition import Rendition

WRAPPED_BYTES_MAX: Final = 1_100  # so much fits any path; beyond it the oldest packets are left out


class Form(NamedTuple):
    """How sound is wrapped: what is inside is called `payload_type`, and so many earlier packets with it."""

    payload_type: int
    repeats: int


class Sound(Rendition):
    """The sound's rendition, and the forms of it that somebody listens to."""

    def __init__(self, fanout: Fanout) -> None:
        super().__init__("audio", "", fanout.open_source("audio"))
        self._fanout = fanout
        self._forms: dict[Form, SourceId] = {}
        self._listeners: Counter[Form] = Counter()

    @property
    def sources(self) -> tuple[SourceId, ...]:
        return self.source, *self._forms.values()

    def listen(self, form: Form) -> SourceId:
        """One more viewer takes this form, from this source. Raises FanoutFull."""
        if form not in self._forms:
            self._forms[form] = self._fanout.open_source("audio")
        self._listeners[form] += 1
        return self._forms[form]

    def leave(self, form: Form) -> None:
        """One viewer less; a form that nobody takes is not made."""
        self._listeners[form] -= 1
        if not self._listeners[form]:
            del self._listeners[form]
            if form in self._forms:
                self._fanout.close_source(self._forms.pop(form))

    def close(self, fanout: Fanout) -> None:
        for source in self.sources:
            fanout.close_source(source)
        self._forms.clear()

    def leaving(self) -> list[tuple[SourceId, list[Packet]]]:
        packets = self.gathered()
        if not packets:
            return []
        forms = [(s, [self._wrapped(p, form) for p in packets]) for form, s in self._forms.items()]
        return [(self.source, packets), *forms]

    def _wrapped(self, packet: Packet, form: Form) -> Packet:
        earlier = [self.recall(packet.sequence - back) for back in range(form.repeats, 0, -1)]
        blocks = [
            Block((packet.timestamp - old.timestamp) & 0xFFFFFFFF, old.payload) for old in earlier if old
        ]
        payload = wrap(form.payload_type, packet.payload, blocks, WRAPPED_BYTES_MAX)
        return packet._replace(payload=payload)
