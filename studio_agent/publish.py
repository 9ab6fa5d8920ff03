"""The WHIP client (RFC 9725): one POST, one DELETE, the bearer token on both.

Tells what came back as events of the uplink machine. Follows 307 and 308 itself, so that the token
goes along, and never from https to http.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urljoin

import aiohttp

from .uplink import Answered, Refused, Unreachable

OFFER_LIMIT_S: Final = 10.0
DELETE_LIMIT_S: Final = 2.0
MOST_REDIRECTS: Final = 4
LARGEST_BODY_BYTES: Final = 65_536


class WhipClient:
    """Speaks to one WHIP endpoint, at `url` from the next offer on. `token` is asked anew each time."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: Callable[[], str]) -> None:
        self._http = http
        self.url = url
        self._token = token

    async def offer(self, sdp: str, now_unix_s: float) -> Answered | Refused | Unreachable:
        """POST the offer; every outcome is an event."""
        url = self.url
        try:
            for _ in range(MOST_REDIRECTS + 1):
                async with self._post(url, sdp) as response:
                    if response.status not in (307, 308):
                        return await self._outcome(response, url, now_unix_s)
                    onward = urljoin(url, response.headers.get("Location", ""))
                if onward == url or (url.startswith("https:") and not onward.startswith("https:")):
                    return Refused(502, "a redirection that must not be followed")
                url = onward
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unreachable(f"the relay does not answer: {error or type(error).__name__}")
        return Refused(502, "too many redirections")

    def _post(self, url: str, sdp: str) -> aiohttp.client._RequestContextManager:
        headers = {"Content-Type": "application/sdp", "Accept": "application/sdp", **self._bearer()}
        limit = aiohttp.ClientTimeout(total=OFFER_LIMIT_S)
        return self._http.post(url, data=sdp, headers=headers, timeout=limit, allow_redirects=False)

    def _bearer(self) -> dict[str, str]:
        token = self._token()
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _outcome(
        self, response: aiohttp.ClientResponse, url: str, now_unix_s: float
    ) -> Answered | Refused:
        body = (await response.content.read(LARGEST_BODY_BYTES + 1)).decode(errors="replace")
        if response.status != 201:
            wait_s = retry_after(response.headers.get("Retry-After"), now_unix_s)
            return Refused(response.status, problem_of(body), wait_s)
        location = response.headers.get("Location")
        if not location:
            return Refused(502, "201 without a Location")
        if response.content_type != "application/sdp":
            return Refused(502, f"201 with {response.content_type} instead of an answer")
        return Answered(urljoin(url, location), body)

    async def delete(self, location: str) -> int | None:
        """DELETE the session; the status, None without an answer (the relay finds out by itself)."""
        limit = aiohttp.ClientTimeout(total=DELETE_LIMIT_S)
        try:
            async with self._http.delete(location, headers=self._bearer(), timeout=limit) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None


def retry_after(value: str | None, now_unix_s: float) -> float | None:
    """Seconds to wait, from either form of Retry-After (RFC 9110 section 10.2.3); None when unreadable."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now_unix_s)
    except ValueError:
        return None


def problem_of(body: str) -> str:
    """What an error body says in a few words: `title` or `detail` of problem+json, else nothing."""
    try:
        problem = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(problem, dict):
        return ""
    return str(problem.get("detail") or problem.get("title") or "")[:200]
