"""The headers that make browsers careful: on every answer, whoever made it.

Pages bring a policy of their own (`pages.py`); what is no page may do nothing and stand in no frame. HSTS
(RFC 6797) goes with what came over TLS alone. Knows no routes.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from commerce.settings import ShopSettings

HSTS: Final = "Strict-Transport-Security"
YEAR: Final = "max-age=31536000"
NO_PAGE: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def came_by_tls(settings: ShopSettings, request: web.BaseRequest) -> bool:
    """Whether the browser spoke TLS: to us, or to the proxies in front.

    X-Forwarded-Proto is read where a setting says that trusted proxies end TLS, and nowhere else.
    """
    if settings.https or not settings.tls_in_front:
        return settings.https
    said = hop(request.headers.get("X-Forwarded-Proto", ""), settings.proxies)
    return said in ("", "https", "wss")


def hop(named: str, proxies: int) -> str:
    """What the outermost trusted proxy said, in a header to which each of them may have added."""
    parts = [part.strip() for part in named.split(",")]
    return parts[-min(proxies, len(parts))].lower()


def harden(app: web.Application, settings: ShopSettings) -> None:
    """Complete the headers of every answer that aiohttp writes."""

    async def complete(request: web.Request, response: web.StreamResponse) -> None:
        for name, value in NO_PAGE.items():
            response.headers.setdefault(name, value)
        if came_by_tls(settings, request):
            response.headers[HSTS] = YEAR

    app.on_response_prepare.append(complete)
