"""Our side of ICE where we ask: checks, and answers that prove the peer.

Where we call another relay, which is lite, checks nominate at once: its candidates are all good or all dead
(RFC 8445 section 6.1.1). Where a peer called us we are lite and check only to learn of its path (`echo.py`),
or whether it is where its packets come from (`strays.py`). Pure but for the randomness of transactions.
"""

from __future__ import annotations

import secrets
from collections import deque
from typing import Final

from . import stun
from .sdp import IceCredentials

OPEN_MAX: Final = 16  # checks whose answer is still believed


class Dial:
    """One call: what to send, and which answers are to it."""

    def __init__(self, ours: IceCredentials, theirs: IceCredentials, *, controls: bool = True) -> None:
        self._username = f"{theirs.fragment}:{ours.fragment}"
        self._password = theirs.password.encode()
        self._tie, self._controls = secrets.randbits(64), controls
        self._open: deque[bytes] = deque(maxlen=OPEN_MAX)

    def check(self, size_bytes: int = 0) -> bytes:
        """A check, with USE-CANDIDATE where we control; also what keeps consent fresh (RFC 7675).

        It is filled up to `size_bytes`."""
        transaction = secrets.token_bytes(12)
        self._open.append(transaction)
        return stun.binding_request(
            transaction,
            self._username,
            self._password,
            controlling=self._tie if self._controls else None,
            controlled=None if self._controls else self._tie,
            nominate=self._controls,
            size_bytes=size_bytes,
        )

    def answered(self, data: bytes) -> bool:
        """Whether this is a good answer to a check of ours; each counts once."""
        try:
            message = stun.parse(data)
        except stun.StunError:
            return False
        if message.kind != stun.BINDING_SUCCESS or message.transaction not in self._open:
            return False
        if not stun.integrity_holds(message, self._password):
            return False
        self._open.remove(message.transaction)
        return True
