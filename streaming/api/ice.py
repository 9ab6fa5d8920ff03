"""`Link: rel="ice-server"` (RFC 9725 section 4.6): STUN and TURN for a peer, by credentials that expire.

coturn calls them REST credentials (`use-auth-secret`): the name is the time of expiry, the password
the HMAC-SHA1 of the name under the secret that coturn and the relay share.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

CREDENTIAL_SECONDS: Final = 12 * 3_600  # longer than any show: a TURN allocation is refreshed with them
_URL: Final = re.compile(r"(stuns?|turns?):[A-Za-z0-9.\-\[\]:]+(\?transport=(udp|tcp))?")


@dataclass(frozen=True, slots=True)
class IceServers:
    """What peers are told; nothing by default."""

    urls: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)

    def links(self, name: str, now_s: int) -> Iterable[str]:
        """The values of the Link headers for one peer; `name` only tells peers apart in coturn's log."""
        username = f"{now_s + CREDENTIAL_SECONDS}:{name}"
        digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
        password = base64.b64encode(digest).decode()
        for url in self.urls:
            link = f'<{url}>; rel="ice-server"'
            if url.startswith("turn"):
                link += f'; username="{username}"; credential="{password}"; credential-type="password"'
            yield link


def is_ice_url(text: str) -> bool:
    """Whether it is a STUN or TURN URI (RFC 7064, RFC 7065)."""
    return _URL.fullmatch(text) is not None
