"""How one viewer gets the sound: in packets that repeat earlier ones while its path loses some.

A repair on request comes a round trip late, and players ask for none of their sound; what comes with
the next packet is there 20 ms later. It costs the sound's rate once more for each repeat, so those
who lose nothing do not pay for it. Knows one seat, and what its player calls Opus.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from ..fanout import Fanout, FanoutFull, ViewerId
from .sound import Form, Sound

REPEATS: Final = 2  # who loses one packet of twenty then misses one of some thousands
LOSSY: Final = 3 / 256  # share lost, as a report counts it
CALM_SECONDS: Final = 20.0  # without loss, before nothing is repeated any more


class Hearing:
    """One viewer's; without RED in its offer it gets the sound as it is."""

    def __init__(self, fanout: Fanout, opus_payload_type: int | None) -> None:
        """`opus_payload_type`: what is inside of RED; None: the player takes no RED."""
        self._fanout, self._opus = fanout, opus_payload_type
        self._lost_s = -CALM_SECONDS
        self._sound: Sound | None = None
        self._form: Form | None = None
        self._offset = 0

    @property
    def repeats(self) -> int:
        """How many earlier packets come with each one."""
        return 0 if self._form is None else self._form.repeats

    def begin(self, seat: ViewerId, sound: Sound, offset: int) -> None:
        """Hear this; own sequence = sequence + `offset`. Raises FanoutFull."""
        self.end()
        self._sound, self._offset = sound, offset
        if self._opus is None:
            self._fanout.segment(seat, sound.source, offset)
        else:
            self._take(seat, sound, Form(self._opus, 0))

    def _hear_of(self, share: float, now: float) -> None:
        if share >= LOSSY:
            self._lost_s = now

    def forget(self) -> None:
        """Its path is another one: nothing is known of its losses."""
        self._lost_s = -CALM_SECONDS

    def suit(self, seat: ViewerId, now: float, *, lost: float, narrow: bool) -> int:
        """Repeat, or cease to: on a path that is too narrow more packets lose more. `lost`: the share of
        picture or sound that did not arrive lately. How many earlier packets come with each one now."""
        self._hear_of(lost, now)
        if self._sound is None or self._form is None:
            return 0
        repeats = REPEATS if now - self._lost_s < CALM_SECONDS and not narrow else 0
        if repeats != self._form.repeats:
            with suppress(FanoutFull):  # then it stays as it is
                self._take(seat, self._sound, self._form._replace(repeats=repeats))
        return self.repeats

    def _take(self, seat: ViewerId, sound: Sound, form: Form) -> None:
        source, old, self._form = sound.listen(form), self._form, form
        self._fanout.segment(seat, source, self._offset)
        if old is not None:
            sound.leave(old)

    def end(self) -> None:
        """It left."""
        if self._sound is not None and self._form is not None:
            self._sound.leave(self._form)
        self._sound = self._form = None
