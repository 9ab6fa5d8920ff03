"""The fan-out: one frame, many viewers. Code against `Fanout`; get one from `open_fanout`."""

from .interface import (
    PAYLOAD_LIMIT_BYTES,
    Address,
    Fanout,
    FanoutFull,
    Keys,
    Kind,
    Packet,
    Profile,
    Resend,
    Seat,
    SourceId,
    Totals,
    Track,
    TrackCounts,
    ViewerCounts,
    ViewerId,
)
from .opening import native_ear, open_fanout

__all__ = [
    "PAYLOAD_LIMIT_BYTES",
    "Address",
    "Fanout",
    "FanoutFull",
    "Keys",
    "Kind",
    "Packet",
    "Profile",
    "Resend",
    "Seat",
    "SourceId",
    "Totals",
    "Track",
    "TrackCounts",
    "ViewerCounts",
    "ViewerId",
    "native_ear",
    "open_fanout",
]
