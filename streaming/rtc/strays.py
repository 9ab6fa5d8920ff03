"""Peers that speak from an address where nobody is known: a NAT gave them another one.

Media there whose SSRC a living session has used, and that its keys vouch for, is that peer's. Where the peer
is it does not say: whoever caught a packet can send it from anywhere. So the relay asks the address by a
check of its own, with fewer bytes than came from there, and only an answer signed with the peer's password
moves the session (RFC 8445 section 7.2, RFC 7675). Strangers cost a look into a table, or a few tries.
Knows sessions, addresses and SSRCs; what a move means is decided elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from ..fanout import Address
from . import rtp, stun
from .dial import Dial
from .session import Session

SSRCS_MAX: Final = 8  # of one session; more are not looked for
LOOKED_AT_MAX: Final = 64  # sessions of one SSRC: all Chromium viewers use the same
TRIED_AT_ONCE: Final = 4  # sessions whose keys are tried on one datagram
TRIES_MAX: Final = 400  # a second, whoever sends
STRAYS_MAX: Final = 256
STRAYS_OF_ONE_MAX: Final = 3  # addresses of one session that are asked at a time
STRAY_SECONDS: Final = 10.0  # without an answer, before an address may be asked anew
ASKED_MAX: Final = 6
AGAIN_SECONDS: Final = 0.1  # twice as long each time
FAILURES_MAX: Final = 20  # of a host each second; then it is not even verified
HOSTS_MAX: Final = 4096
_OWN_HOST: Final = ("127.0.0.1", "::1")
_BYTES_MIN: Final = 24  # of a packet with its tag
_EVERYWHERE: Final = ""


class Guessers:
    """Hosts that failed of late, by a wrong password or by keys that are nobody's."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def limited(self, source: Address) -> bool:
        """Whether nothing more from there is verified until the next second."""
        return bool(self._failures) and self._failures.get(_guesser(source), 0) >= FAILURES_MAX

    def failed(self, source: Address) -> None:
        """Something from there was not what it said."""
        guesser = _guesser(source)
        if guesser in self._failures or len(self._failures) < HOSTS_MAX:
            self._failures[guesser] = self._failures.get(guesser, 0) + 1

    def clear(self) -> None:
        """A second has passed."""
        self._failures.clear()


def _guesser(source: Address) -> str:
    """Who is counted for a failure: a host; of IPv6 the /64, which is one customer's."""
    host = source[0]
    if host in _OWN_HOST:  # peers over TCP come from this host, each from a port of its own (tcp.py)
        return f"{host}:{source[1]}"
    return stun.packed(host)[:8].hex() if ":" in host else host


@dataclass(slots=True)
class Stray:
    """An address from which a session's keys were heard, and that has not answered yet."""

    session: Session
    since_s: float
    dial: Dial
    check: bytes  # the next one
    credit_bytes: int = 0  # came from there, and was not spent on asking
    asked: int = 0
    again_s: float = field(default=float("-inf"))


class Strays:
    """All of one port."""

    def __init__(self, guessers: Guessers) -> None:
        self._guessers = guessers
        # Of each SSRC, everywhere and at each host: who used it, the one that is silent for longest first.
        self._by_voice: dict[tuple[bytes, str], OrderedDict[Session, None]] = {}
        self._voices: dict[Session, dict[bytes, str]] = {}  # SSRC -> the host that it was heard from last
        self._strays: dict[Address, Stray] = {}
        self._tried: dict[Address, set[Session]] = {}  # and were not it
        self._tries = 0

    # -- who speaks how ----------------------------------------------------------------------------

    def spoke(self, session: Session, compound: bytes, source: Address) -> None:
        """The peer was heard where it is known to be. Its reports name each SSRC that it sends under."""
        ssrc, host = compound[4:8], source[0]
        voices = self._voices.setdefault(session, {})
        known = voices.get(ssrc)
        if known is None and len(voices) >= SSRCS_MAX:
            return
        if known != host:
            if known is not None:
                self._drop(session, (ssrc, known))
            voices[ssrc] = host
        for place in (host, _EVERYWHERE):
            speakers = self._by_voice.setdefault((ssrc, place), OrderedDict())
            speakers[session] = None
            speakers.move_to_end(session)

    def forget(self, session: Session) -> None:
        """It ended."""
        for ssrc, host in self._voices.pop(session, {}).items():
            self._drop(session, (ssrc, host))
            self._drop(session, (ssrc, _EVERYWHERE))
        for source in [where for where, stray in self._strays.items() if stray.session is session]:
            del self._strays[source]
        for tried in self._tried.values():
            tried.discard(session)

    def _drop(self, session: Session, key: tuple[bytes, str]) -> None:
        speakers = self._by_voice.get(key, OrderedDict())
        speakers.pop(session, None)
        if not speakers:
            self._by_voice.pop(key, None)

    # -- what comes from nowhere -------------------------------------------------------------------

    def hear(self, data: bytes, source: Address, now: float) -> bytes | None:
        """Media from an address where nobody is known. None where no keys vouch for it, else what to send
        there: a check of ours, or nothing."""
        stray = self._strays.get(source)
        ssrc = data[4:8] if rtp.is_rtcp(data) else data[8:12]
        if stray is None and ((ssrc, _EVERYWHERE) not in self._by_voice or len(data) < _BYTES_MIN):
            return None
        if self._guessers.limited(source) or self._tries >= TRIES_MAX:
            return None
        session = self._recognise(data, ssrc, source, now) if stray is None else stray.session
        if session is None or (stray is not None and not session.overheard(data, now)):
            self._guessers.failed(source)
            return None
        stray = stray or self._take(session, source, now)
        return b"" if stray is None else self._ask(stray, len(data), now)

    def _recognise(self, data: bytes, ssrc: bytes, source: Address, now: float) -> Session | None:
        tried = self._tried.setdefault(source, set()) if len(self._tried) < STRAYS_MAX else set()
        for session in islice(self._speakers(ssrc, source[0], tried), TRIED_AT_ONCE):
            self._tries += 1
            if session.overheard(data, now):
                return session
            tried.add(session)
        return None

    def _speakers(self, ssrc: bytes, host: str, tried: set[Session]) -> Iterator[Session]:
        """Who may be meant: peers of that host first, and of all those that are silent for longest."""
        near = self._by_voice.get((ssrc, host), ())
        far = self._by_voice.get((ssrc, _EVERYWHERE), ())
        looked_at = list(islice(chain(islice(near, LOOKED_AT_MAX), far), 2 * LOOKED_AT_MAX))
        return (session for session in dict.fromkeys(looked_at) if session not in tried)

    def _take(self, session: Session, source: Address, now: float) -> Stray | None:
        dial = session.inquiry()
        others = sum(stray.session is session for stray in self._strays.values())
        if dial is None or others >= STRAYS_OF_ONE_MAX or len(self._strays) >= STRAYS_MAX:
            return None
        self._strays[source] = Stray(session, now, dial, dial.check())
        return self._strays[source]

    def _ask(self, stray: Stray, came_bytes: int, now: float) -> bytes:
        check = stray.check
        stray.credit_bytes += came_bytes
        if stray.credit_bytes < len(check) or stray.asked >= ASKED_MAX or now < stray.again_s:
            return b""
        stray.credit_bytes -= len(check)
        stray.again_s = now + AGAIN_SECONDS * 2**stray.asked
        stray.asked += 1
        stray.check = stray.dial.check()
        return check

    def answered(self, data: bytes, source: Address) -> Session | None:
        """An answer from there: whose peer it is that answers, and is there indeed."""
        stray = self._strays.get(source)
        if stray is None or self._guessers.limited(source):
            return None
        if not stray.dial.answered(data):
            self._guessers.failed(source)
            return None
        del self._strays[source]
        return stray.session

    def sweep(self, now: float) -> None:
        """Once a second: what was limited may be tried again, and who never answered is forgotten."""
        self._tries = 0
        self._tried.clear()
        for source in [a for a, stray in self._strays.items() if now - stray.since_s >= STRAY_SECONDS]:
            del self._strays[source]
