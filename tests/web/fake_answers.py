"""What every part of the pretended shop answers with."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web


def now_ms() -> int:
    return int(time.time() * 1000)


def problem(status: int, code: str, detail: str = "", **fields: Any) -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail, **fields}
    headers = {"Retry-After": "1"} if status in (409, 503) else {}
    return web.json_response(body, status=status, headers=headers, content_type="application/problem+json")
