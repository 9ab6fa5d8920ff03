"""The shop's HTTP API as a member of the staff uses it. Knows docs/http-api.md and no more."""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from demo.settings import Refusal

ANSWER_SECONDS: Final = 15.0


class Client:
    """One caller of the shop; `sign_in` or `become_buyer` gives it a token."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._token: str | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_in(self, name: str, password: str) -> None:
        answer = await self.ask("POST", "/api/sessions", {"name": name, "password": password})
        self._token = answer["token"]

    async def become_buyer(self) -> None:
        self._token = (await self.ask("POST", "/api/buyers"))["token"]

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a 2xx answer; a Refusal with the shop's own words for any other."""
        headers = {}
        if method != "GET":
            headers["Idempotency-Key"] = secrets.token_hex(16)
            body = {} if body is None else body
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            async with self._session.request(
                method, self._origin + path, json=body, headers=headers
            ) as answer:
                if answer.ok:
                    return await answer.json() if answer.status != 204 else None
                words = (await answer.text())[:400]
        except (aiohttp.ClientError, TimeoutError) as wrong:
            raise Refusal(f"The shop did not answer {method} {path}: {wrong or 'too late'}.") from None
        raise Refusal(f"The shop refused {method} {path} with {answer.status}: {words}")
