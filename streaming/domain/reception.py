"""What a receiver reports of one stream: loss, jitter, the last sender report (RFC 3550 A.3, A.8). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .timeline import middle, short_units


@dataclass(slots=True)
class Reception:
    """Jitter and the sender's last report; loss is counted by `losses.Losses`."""

    rate_hz: int
    jitter: float = 0.0
    _transit: float | None = None
    _last_report: int = 0
    _last_report_s: float = 0.0
    _expected_before: int = 0
    _received_before: int = 0

    def arrive(self, tick: int, now: float) -> None:
        """A packet of RTP time `tick` arrived (in order of capture)."""
        transit = now * self.rate_hz - tick
        if self._transit is not None:
            self.jitter += (abs(transit - self._transit) - self.jitter) / 16
        self._transit = transit

    def report_came(self, ntp: int, now: float) -> None:
        """A sender report came."""
        self._last_report, self._last_report_s = middle(ntp), now

    def since_report(self, now: float) -> tuple[int, int]:
        """(LSR, DLSR) of a report block made now."""
        if not self._last_report:
            return 0, 0
        return self._last_report, short_units(now - self._last_report_s)

    def fraction_lost(self, expected: int, received: int) -> int:
        """Loss since the call before, in 1/256."""
        more_expected = expected - self._expected_before
        more_received = received - self._received_before
        self._expected_before, self._received_before = expected, received
        lost = more_expected - more_received
        return min(255, 256 * lost // more_expected) if more_expected > 0 and lost > 0 else 0
