"""The OpenAPI 3.1 document, made from the route table and the structs, so that it cannot lie."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from commerce.api.answered import ProblemShape
from commerce.api.kinds import KEY_PATTERN
from commerce.api.problems import CODES, PROBLEM_TYPE, words_of
from commerce.api.routes import Access, Route

REFERENCE: Final = "#/components/schemas/{name}"
ALWAYS: Final = ("Malformed", "RateLimited", "Busy")  # any route may answer these
ID_SCHEMA: Final = {"type": "string", "maxLength": 64}


def document(routes: tuple[Route, ...], version: str) -> dict[str, Any]:
    """The whole document as a JSON value."""
    kinds: list[type] = [kind for route in routes for kind in (route.takes, route.gives) if kind is not None]
    unique: list[type] = list(dict.fromkeys([*kinds, ProblemShape]))
    shapes, components = msgspec.json.schema_components(unique, ref_template=REFERENCE)
    schema_of = dict(zip(unique, shapes, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Silkcast shop", "version": version, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schema_of: dict[type, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handle.__name__,
        "summary": route.says,
        "responses": _responses(route, schema_of),
    }
    if parameters := _parameters(route):
        operation["parameters"] = parameters
    if route.access is not Access.ANYONE:
        operation["security"] = [{"bearer": []}]
        operation["description"] = f"For: {route.access.value}."
    if route.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[route.takes]}},
        }
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": ID_SCHEMA} for name in route.parameters
    ]
    if route.takes_key:
        schema = {"type": "string", "maxLength": 64, "pattern": KEY_PATTERN}
        found.append({"name": "Idempotency-Key", "in": "header", "required": route.keyed, "schema": schema})
    if route.streams:
        found.append(
            {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "string"}}
        )
    if route.query is not None:
        _, components = msgspec.json.schema_components([route.query], ref_template=REFERENCE)
        shape = components[route.query.__name__]
        found += [
            {"name": name, "in": "query", "required": False, "schema": _plain(schema)}
            for name, schema in shape["properties"].items()
        ]
    return found


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is never null: take the null out of a union."""
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if len(choices) == 1 else schema


def _responses(route: Route, schema_of: dict[type, dict[str, Any]]) -> dict[str, Any]:
    if route.streams:
        good: dict[str, Any] = {
            "description": "Server-sent events",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    elif route.media:
        good = {"description": route.says, "content": {route.media: {"schema": {"type": "string"}}}}
    elif route.gives is None:
        good = {"description": "Done"}
    else:
        good = {
            "description": route.says,
            "content": {"application/json": {"schema": schema_of[route.gives]}},
        }
    answers: dict[str, Any] = {str(route.status): good}
    for status, codes in sorted(_codes_by_status(route).items()):
        answers[str(status)] = _problem(codes, schema_of[ProblemShape])
    answers["default"] = _problem(["any other code"], schema_of[ProblemShape])
    return answers


def _codes_by_status(route: Route) -> dict[int, list[str]]:
    codes = [*ALWAYS, *route.problems]
    if route.access is not Access.ANYONE:
        codes += ["NotSignedIn", "Forbidden"]
    if route.takes is not None:
        codes += ["WrongContentType", "TooLarge"]
    if route.takes_key:
        codes.append("KeyReused")
    if route.keyed:
        codes += ["NoAnswer", "TooLate", "Undecided"]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(CODES.get(code, (409, words_of(code), None))[0], []).append(code)
    return by_status


def _problem(codes: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": " · ".join(codes), "content": {PROBLEM_TYPE: {"schema": schema}}}
