"""Checks of our own towards a peer that calls us: whether it answers, how soon, and how close together.

A full agent answers checks at any time (RFC 8445 section 7.3), so any player does, whatever its reports
say. One leaves with the first of the peer's; its answer proves the address, and only then a train of larger
ones leaves (`domain/train.py`), beside the handshake. Knows credentials and the train; never a socket.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeAlias

from ..domain.train import CAR_BYTES, CARS, Train
from . import stun
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
        self._username = f"{theirs.fragment}:{ours.fragment}"
        self._password = theirs.password.encode()
        self._tie = secrets.randbits(64)
        self._open: dict[bytes, float] = {}  # transaction -> when it left
        self._first = b""

    def check(self, now: float) -> bytes | None:
        """The first one, once. No larger than what a peer's check is."""
        if self._first:
            return None
        self._first, data = self._request(now, 0)
        return data

    def cars(self, now: float) -> list[bytes]:
        """The train, once, and not before the first check was answered."""
        if self.train.rtt_s is None or self.train.has_left:
            return []
        self.train.leave(now)
        return [self._request(now, CAR_BYTES)[1] for _ in range(CARS)]

    def patience_s(self) -> float:
        """How long answers may still be worth to wait for."""
        return self.train.patience_s(self.now())

    def tell(self) -> None:
        """Hand on what is known, if anything is."""
        if self.train.rtt_s is not None:
            self._told(self.train.rtt_s, self.train.bps(), self.now())

    def _request(self, now: float, size_bytes: int) -> tuple[bytes, bytes]:
        transaction = secrets.token_bytes(12)
        self._open[transaction] = now
        return transaction, stun.binding_request(
            transaction, self._username, self._password, controlled=self._tie, size_bytes=size_bytes
        )

    def answered(self, data: bytes, now: float) -> bool:
        """Whether this is a good answer to one of them; each counts once."""
        try:
            message = stun.parse(data)
        except stun.StunError:
            return False
        sent_s = self._open.get(message.transaction)
        if sent_s is None or not stun.integrity_holds(message, self._password):
            return False
        del self._open[message.transaction]
        if message.transaction == self._first:
            self.train.answered(sent_s, now)
        else:
            self.train.car_answered(now)
        return True
