"""Refusals over HTTP: application/problem+json (RFC 9457), one shape for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web


class Problem(Exception):
    """A refusal on its way out: status, a machine's word for it, and a sentence for people."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, dict(headers or {})

    def response(self) -> web.Response:
        """The answer that says it."""
        body = {
            "type": f"urn:silkcast:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        }
        return web.Response(
            text=json.dumps(body),
            status=self.status,
            content_type="application/problem+json",
            headers=self.headers,
        )
