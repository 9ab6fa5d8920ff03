"""How a process of the shop writes its log: JSON lines on stderr, one event each."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import structlog


def configure() -> None:
    """Set structlog up, once, at the start of a process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _json(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)
