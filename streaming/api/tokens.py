"""Bearer tokens, checked with the shop's public keys; the relay can sign nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt
import structlog

from ..contract import TOKEN_ALGORITHM, TOKEN_AUDIENCE, TOKEN_ISSUER, TokenClaims

_log = structlog.get_logger(__name__)


class TokenRefused(Exception):
    """The token proves nothing: absent, foreign, expired or malformed."""


class TokenKeys:
    """The shop's public keys (a JWKS file), read again when the file changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._keys: dict[str, jwt.PyJWK] = {}

    def refresh(self) -> None:
        """Read the file if it changed; a broken or absent one leaves the known keys in force."""
        try:
            stat = self._file.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp == self._stamp:
                return
            found = json.loads(self._file.read_text())["keys"]
            self._keys = {key["kid"]: jwt.PyJWK(key, algorithm=TOKEN_ALGORITHM) for key in found}
            self._stamp = stamp
        except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as wrong:
            _log.warning("token_keys_unread", file=str(self._file), why=type(wrong).__name__)

    def check(self, authorization: str | None, *, expired_will_do: bool = False) -> TokenClaims:
        """The claims of an Authorization header (RFC 6750). Raises TokenRefused.

        `expired_will_do`: on its own session a peer may still change and end what it began.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenRefused("a bearer token is needed")
        try:
            key = self._keys[str(jwt.get_unverified_header(token).get("kid"))]
            payload: dict[str, Any] = jwt.decode(
                token.strip(),
                key=key,
                algorithms=[TOKEN_ALGORITHM],
                audience=TOKEN_AUDIENCE,
                issuer=TOKEN_ISSUER,
                options={"require": ["exp", "sub"], "verify_exp": not expired_will_do},
            )
            return TokenClaims.from_jwt(payload)
        except KeyError:
            raise TokenRefused("the token was signed by a key that this relay does not know") from None
        except jwt.ExpiredSignatureError:
            raise TokenRefused("the token has expired") from None
        except (jwt.PyJWTError, ValueError) as wrong:
            raise TokenRefused(f"the token is not valid: {wrong}") from None
