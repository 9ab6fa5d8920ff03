"""A browser that listens: reads server-sent events and folds them as store/reduce.js does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.commerce.api.street import Caller

PATIENCE_SECONDS = 30.0


@dataclass
class Event:
    kind: str
    id: str
    entities: dict[str, Any]

    @property
    def version(self) -> int:
        return int(self.id.split(".")[1])


@dataclass
class Ear:
    """One connection; `seen` is the folded state, `heard` every event so far."""

    response: aiohttp.ClientResponse
    seen: dict[str, Any] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)

    async def next(self) -> Event:
        """The next event; comments are passed over."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                block = (await self.response.content.readuntil(b"\n\n")).decode()
                if not block.startswith(":"):
                    break
        fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
        event = Event(fields["event"], fields["id"], json.loads(fields["data"])["entities"])
        self.heard.append(event)
        if event.kind == "snapshot":
            self.seen = {}
        for key, value in event.entities.items():
            if value is None:
                self.seen.pop(key, None)
            else:
                self.seen[key] = value
        return event

    async def until(self, key: str, **wanted: Any) -> Any:
        """Read on until the entity has these fields; its value."""
        while True:
            value = self.seen.get(key)
            if isinstance(value, dict) and wanted.items() <= value.items():
                return value
            await self.next()


@asynccontextmanager
async def listening(caller: Caller, show: str, *, host: bool = False, after: str = "") -> AsyncIterator[Ear]:
    headers = {"Last-Event-ID": after} if after else {}
    if caller.token:
        headers["Authorization"] = f"Bearer {caller.token}"
    path = f"{caller.origin}/api/shows/{show}/events{'?as=host' if host else ''}"
    async with caller.http.get(path, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield Ear(response)
