"""Checks of our own towards a peer that calls us: whether it answers, how soon, and how close together.

A full agent answers checks at any time (RFC 8445 section 7.3), so any player does, whatever its reports
say. One leaves with the first of the peer's; its answer proves the address, and only then a train of larger
ones leaves (`domain/train.py`), beside the handshake. Knows credentials and the train; never a socket.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..domain.train import CAR_BYTES, CARS, Train
from .dial import Dial
from .sdp import IceCredentials

Told: TypeAlias = Callable[[float, int | None, float], None]


class Echo:
    """One peer's. `check` first, then `train` as soon as it is due."""

    def __init__(
        self, ours: IceCredentials, theirs: IceCredentials, now: Callable[[], float], told: Told
    ) -> None:
        """`told` gets the round trip, what comes through in bit/s (None: a wide path) and the time."""
        self.now, self._told = now, told
        self.train = Train()
        self._dial = Dial(ours, theirs, controls=False)
        self._checked_s: float | None = None

    def check(self, now: float) -> bytes | None:
        """The first one, once. No larger than what a peer's check is."""
        if self._checked_s is not None:
            return None
        self._checked_s = now
        return self._dial.check()

    def cars(self, now: float) -> list[bytes]:
        """The train, once, and not before the first check was answered."""
        if self.train.rtt_s is None or self.train.has_left:
            return []
        self.train.leave(now)
        return [self._dial.check(CAR_BYTES) for _ in range(CARS)]

    def patience_s(self) -> float:
        """How long answers may still be worth to wait for."""
        return self.train.patience_s(self.now())

    def tell(self) -> None:
        """Hand on what is known, if anything is."""
        if self.train.rtt_s is not None:
            self._told(self.train.rtt_s, self.train.bps(), self.now())

    def answered(self, data: bytes, now: float) -> bool:
        """Whether this is a good answer to one of them; each counts once."""
        if self._checked_s is None or not self._dial.answered(data):
            return False
        if self.train.rtt_s is None:
            self.train.answered(self._checked_s, now)
        else:
            self.train.car_answered(now)
        return True
