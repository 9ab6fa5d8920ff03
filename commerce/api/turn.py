"""STUN and TURN servers for a viewer's browser, by credentials that expire.

coturn calls them REST credentials (`use-auth-secret`): the name begins with the time of expiry, the
password is the HMAC-SHA1 of the name under the secret that coturn and the shop share.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

CREDENTIAL_SECONDS: Final = 12 * 3_600  # longer than any show: an allocation is refreshed with them


@dataclass(frozen=True, slots=True)
class Turn:
    """What players are told; nothing by default."""

    urls: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)

    def servers(self, name: str, now_s: int) -> list[dict[str, Any]]:
        """RTCIceServer dictionaries for one player; `name` only tells players apart in coturn's log."""
        plain = [url for url in self.urls if not url.startswith("turn")]
        turning = [url for url in self.urls if url.startswith("turn")]
        found: list[dict[str, Any]] = [{"urls": plain}] if plain else []
        if turning:
            username = f"{now_s + CREDENTIAL_SECONDS}:{name}"
            digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
            credential = base64.b64encode(digest).decode()
            found.append({"urls": turning, "username": username, "credential": credential})
        return found


def read_turn(urls: tuple[str, ...], secret_file: Path | None) -> Turn:
    """The servers of the settings. Raises OSError when the secret cannot be read."""
    return Turn(urls, "" if secret_file is None else secret_file.read_text().strip())
