"""One outgoing RTP stream: headers, timestamps of capture, history, RTX, sender reports. Pure.

Time comes in as Unix seconds. Timestamps are the capture clock at the stream's rate from a random
start, so sound and picture of one moment carry one moment. Sends nothing, knows no socket.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Final

NTP_EPOCH_S: Final = 2_208_988_800
HISTORY_PACKETS: Final = 1_024
RESEND_SHARE: Final = 0.25  # of what was sent; a storm of requests may not become a storm of answers
LEAST_RESEND_GAP_S: Final = 0.01
CAPTURE_TIME_EVERY_S: Final = 0.5
MASK_32: Final = 0xFFFFFFFF
ONE_BYTE_PROFILE: Final = 0xBEDE  # RFC 8285 section 4.2


def ntp64(unix_s: float) -> int:
    """Unix seconds as 64-bit NTP time, 32.32 (RFC 5905 section 6)."""
    return int((unix_s + NTP_EPOCH_S) * (1 << 32))


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """The ids that the answer gave to header extensions; None where it named none."""

    mid: int | None = None
    abs_send_time: int | None = None
    abs_capture_time: int | None = None
    rid: int | None = None  # which encoding of a picture this is (RFC 8852), and which one RTX repairs
    repaired_rid: int | None = None


@dataclass(frozen=True, slots=True)
class Unsent:
    """A packet but for its time of sending: `stamp` makes the bytes."""

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    captured_ntp: int | None = None


@dataclass
class OutgoingStream:
    """All state of one SSRC and its RTX twin."""

    ssrc: int
    payload_type: int
    clock_hz: int
    mid: str
    ids: ExtensionIds
    first_sequence: int
    first_timestamp: int
    rtx: tuple[int, int] | None = None  # (SSRC, payload type) of RTX
    rid: str = ""
    packets: int = 0
    octets: int = 0
    resent: int = 0
    refused_resends: int = 0
    _epoch_s: float | None = None
    _rtx_sequence: int = 0
    _last_capture_time_s: float = 0.0
    _allowance: float = 64.0
    _history: dict[int, Unsent] = field(default_factory=dict)
    _order: deque[int] = field(default_factory=deque)
    _resent_at: dict[int, float] = field(default_factory=dict)

    def timestamp_at(self, unix_s: float) -> int:
        """The RTP timestamp of a capture moment (RFC 3550 section 5.1)."""
        if self._epoch_s is None:
            self._epoch_s = unix_s
        return (self.first_timestamp + round((unix_s - self._epoch_s) * self.clock_hz)) & MASK_32

    def frame(self, payloads: list[bytes], captured_s: float, *, marked: bool) -> list[Unsent]:
        """The packets of one frame. The marker is on the last one when `marked` (video)."""
        timestamp = self.timestamp_at(captured_s)
        captured_ntp: int | None = None
        if self.ids.abs_capture_time and captured_s - self._last_capture_time_s >= CAPTURE_TIME_EVERY_S:
            self._last_capture_time_s = captured_s
            captured_ntp = ntp64(captured_s)
        made = []
        for number, payload in enumerate(payloads):
            sequence = (self.first_sequence + self.packets) & 0xFFFF
            is_last = number == len(payloads) - 1
            packet = Unsent(
                sequence, timestamp, marked and is_last, payload, captured_ntp if number == 0 else None
            )
            self.packets += 1
            self.octets += len(payload)
            self._remember(packet)
            made.append(packet)
        self._allowance = min(256.0, self._allowance + RESEND_SHARE * len(made))
        return made

    def _remember(self, packet: Unsent) -> None:
        self._history[packet.sequence] = packet
        self._order.append(packet.sequence)
        self._resent_at.pop(packet.sequence, None)
        while len(self._order) > HISTORY_PACKETS:
            oldest = self._order.popleft()
            self._history.pop(oldest, None)
            self._resent_at.pop(oldest, None)

    def stamp(self, packet: Unsent, now_s: float) -> bytes:
        """The RTP packet as it is sent now."""
        first = packet.marker << 7 | self.payload_type
        extension = self._extension(packet, now_s, self.ids.rid)
        head = struct.pack(
            "!BBHLL", 0x90 if extension else 0x80, first, packet.sequence, packet.timestamp, self.ssrc
        )
        return head + extension + packet.payload

    def _extension(self, packet: Unsent, now_s: float, rid_id: int | None) -> bytes:
        """One-byte header extensions (RFC 8285): mid, rid, abs-send-time, abs-capture-time."""
        body = b""
        for number, name in ((self.ids.mid, self.mid), (rid_id, self.rid)):
            if number and name:
                body += bytes((number << 4 | len(name) - 1,)) + name.encode()
        if self.ids.abs_send_time:
            moment = (ntp64(now_s) >> 14) & 0xFFFFFF  # 6.18 fixed point
            body += bytes((self.ids.abs_send_time << 4 | 2,)) + moment.to_bytes(3, "big")
        if self.ids.abs_capture_time and packet.captured_ntp is not None:
            body += bytes((self.ids.abs_capture_time << 4 | 7,)) + packet.captured_ntp.to_bytes(8, "big")
        if not body:
            return b""
        body += bytes(-len(body) % 4)
        return struct.pack("!HH", ONE_BYTE_PROFILE, len(body) // 4) + body

    def resend(self, sequences: list[int], now_s: float, rtt_s: float) -> list[bytes]:
        """RTX packets (RFC 4588) for those that were lost: each once a round trip, within the share.

        Without RTX in the answer nothing is resent: a new send time under an old sequence number
        would encrypt two texts under one nonce.
        """
        if self.rtx is None:
            return []
        made = []
        for sequence in sequences:
            packet = self._history.get(sequence)
            asked_s = self._resent_at.get(sequence)
            is_soon = asked_s is not None and now_s - asked_s < max(LEAST_RESEND_GAP_S, rtt_s)
            if packet is None or is_soon or self._allowance < 1:
                self.refused_resends += 1
                continue
            self._allowance -= 1
            self._resent_at[sequence] = now_s
            made.append(self._repair(packet, now_s, *self.rtx))
        return made

    def _repair(self, packet: Unsent, now_s: float, ssrc: int, payload_type: int) -> bytes:
        extension = self._extension(packet, now_s, self.ids.repaired_rid)
        head = struct.pack(
            "!BBHLL",
            0x90 if extension else 0x80,
            packet.marker << 7 | payload_type,
            self._rtx_sequence,
            packet.timestamp,
            ssrc,
        )
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        self.resent += 1
        return head + extension + packet.sequence.to_bytes(2, "big") + packet.payload

    def sender_report(self, now_s: float, cname: str) -> bytes:
        """A compound of SR and SDES CNAME (RFC 3550 sections 6.4.1, 6.5): now, in both clocks."""
        report = struct.pack(
            "!BBHLQLLL",
            0x80,
            200,
            6,
            self.ssrc,
            ntp64(now_s),
            self.timestamp_at(now_s),
            self.packets & MASK_32,
            self.octets & MASK_32,
        )
        item = struct.pack("!LBB", self.ssrc, 1, len(cname)) + cname.encode() + b"\0"
        item += bytes(-len(item) % 4)
        return report + struct.pack("!BBH", 0x81, 202, len(item) // 4) + item

    def bye(self) -> bytes:
        """RTCP BYE (RFC 3550 section 6.6)."""
        return struct.pack("!BBHL", 0x81, 203, 1, self.ssrc)
