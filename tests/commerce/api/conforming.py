"""Every answer of every test of the front is held against the OpenAPI document."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from commerce.api.app import VERSION
from commerce.api.openapi import document
from commerce.api.table import ROUTES

DOCUMENT = document(ROUTES, VERSION)
PATTERNS = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in DOCUMENT["paths"]]
answered: set[tuple[str, str, int]] = set()


@functools.cache
def validator(method: str, path: str, status: int) -> tuple[str, Draft202012Validator | None]:
    """The content type and schema that the document promises for an answer."""
    responses = DOCUMENT["paths"][path][method]["responses"]
    response = responses.get(str(status)) or (responses["default"] if status >= 400 else None)
    assert response is not None, f"{method} {path} does not promise {status}"
    if "content" not in response:
        return "", None
    ((kind, content),) = response["content"].items()
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    return kind, Draft202012Validator(schema)


def check(method: str, url: str, status: int, kind: str, body: Any) -> None:
    """Hold one answer against the document; what is no route of the table is none of its business."""
    bare = url.partition("?")[0]
    path = next((path for pattern, path in PATTERNS if pattern.fullmatch(bare)), None)
    if path is None or method.lower() not in DOCUMENT["paths"][path] or (status == 400 and body is None):
        return
    promised, schema = validator(method.lower(), path, status)
    answered.add((method, path, status))
    assert kind.startswith(promised), f"{method} {path} {status}: {kind} is not {promised}"
    if schema is not None and promised.endswith(("/json", "+json")):
        schema.validate(body)


def is_careful(headers: Mapping[str, str]) -> bool:
    """Whether an answer forbids guessing types, framing, telling where one was, and foreign scripts."""
    rules = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    return (
        rules["default-src"] == rules["frame-ancestors"] == "'none'"
        and "unsafe" not in headers["Content-Security-Policy"]
        and headers["X-Content-Type-Options"] == "nosniff"
        and headers["X-Frame-Options"] == "DENY"
        and headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    )
