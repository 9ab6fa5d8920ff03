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
from .opening import open_fanout
from .receiving import RECEIVED_AT_ONCE, Receive, open_receiver

__all__ = [
    "PAYLOAD_LIMIT_BYTES",
    "RECEIVED_AT_ONCE",
    "Address",
    "Fanout",
    "FanoutFull",
    "Keys",
    "Kind",
    "Packet",
    "Profile",
    "Receive",
    "Resend",
    "Seat",
    "SourceId",
    "Totals",
    "Track",
    "TrackCounts",
    "ViewerCounts",
    "ViewerId",
    "open_fanout",
    "open_receiver",
]
