"""The fan-out: one frame, many viewers. Code against `Fanout`."""

from .interface import (
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

__all__ = [
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
]
