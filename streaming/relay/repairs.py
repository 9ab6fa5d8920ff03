"""What one viewer gets again: within a budget, and a second time where there is room for it; or as padding.

Knows one seat and what a path may be charged for repairs; whether a packet is worth one is judged elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..domain.resends import ResendBudget
from ..fanout import Fanout, Kind, Packet, Resend, ViewerId
from .figures import ViewerFigures
from .following import Span

PADDING_PACKETS_MAX: Final = 64  # in one step of a probe
ECHO_SECONDS: Final = 0.005  # a repaired packet is sent twice: one that is lost again costs a round trip


class Repairs:
    """One viewer's."""

    def __init__(
        self,
        fanout: Fanout,
        figures: ViewerFigures,
        later: Callable[[float, Callable[[], None]], object],
        seat: Callable[[], ViewerId | None],
    ) -> None:
        self.budget = ResendBudget()
        self._fanout, self._figures, self._later, self._seat = fanout, figures, later, seat

    def affordable(self, packet: Packet, own: int, now: float, rtt_s: float, rate_bps: float) -> bool:
        """Whether this one may leave again now; a yes is charged, a no counted."""
        allowed = self.budget.allow(own, len(packet.payload), now, rtt_s, rate_bps)
        self._figures.refused += not allowed
        return allowed

    def give(self, kind: Kind, again: list[Resend], now: float, rate_bps: float) -> int:
        """Send them, and what the budget bears once more a little later. The bytes of what left at once."""
        if not again or not self._send(kind, again):
            return 0
        self._figures.resent += len(again)
        echo = [r for r in again if self.budget.spare(len(r.packet.payload), now, rate_bps)]
        if echo:
            self._later(ECHO_SECONDS, lambda: self._echo(kind, echo))
        return sum(len(r.packet.payload) for r in again)

    def pad(self, span: Span, newest: int, size_bytes: int, recall: Callable[[int], Packet | None]) -> None:
        """Send the `newest` packets of the picture once more: players drop them, but count them."""
        padding: list[Resend] = []
        for own in range(newest, newest - PADDING_PACKETS_MAX, -1):
            packet = recall(own)
            if packet is None or own < span.first_own or size_bytes <= 0:
                break
            padding.append(Resend(own, packet))
            size_bytes -= len(packet.payload)
        if padding and self._send("video", padding):
            self._figures.padding += len(padding)

    def _echo(self, kind: Kind, packets: list[Resend]) -> None:
        if self._send(kind, packets):
            self._figures.echoed += len(packets)

    def _send(self, kind: Kind, packets: list[Resend]) -> bool:
        seat = self._seat()
        return seat is not None and self._fanout.resend(seat, kind, packets)
