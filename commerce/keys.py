"""The keys of the shop: it alone signs tokens; relays check them with the public half.

`signing.pem` (Ed25519, PKCS 8, mode 0600) is the shop's; `public.json` is a JSON Web Key Set
(RFC 7517, RFC 8037) that relays read. After `--rotate` the set still holds the former public
keys, so that tokens in use stay valid until they expire. Never knows what a token says.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNING_FILE: Final = "signing.pem"
PUBLIC_FILE: Final = "public.json"
RELAY_TOKEN_FILE: Final = "relay.token"
MOST_PUBLIC_KEYS: Final = 3
ALGORITHM: Final = "EdDSA"


class Signer:
    """Signs claims with the shop's key; `kid` in the header names it."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.kid = thumbprint(key.public_key())

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A compact JWT (RFC 7519) of the claims as they are."""
        return jwt.encode(dict(claims), self._key, algorithm=ALGORITHM, headers={"kid": self.kid})


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The JSON Web Key of a public key (RFC 8037 section 2)."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    shape = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    digest = hashlib.sha256(json.dumps(shape, sort_keys=True, separators=(",", ":")).encode()).digest()
    return {**shape, "alg": ALGORITHM, "use": "sig", "kid": _base64url(digest)}


def thumbprint(key: Ed25519PublicKey) -> str:
    """The key's name: its JWK thumbprint (RFC 7638)."""
    return public_jwk(key)["kid"]


def load_signer(folder: Path) -> Signer:
    """Read the signing key; both files are made first where they are absent."""
    make_keys(folder)
    key = serialization.load_pem_private_key((folder / SIGNING_FILE).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{SIGNING_FILE} is not an Ed25519 key")
    return Signer(key)


def make_keys(folder: Path) -> None:
    """Make the signing key unless there is one, and write the key set if it lacks its public half.

    Safe when several processes start at once: the first file to stand is everybody's key.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / SIGNING_FILE).exists():
        _write(folder / SIGNING_FILE, _pem(Ed25519PrivateKey.generate()), replace=False)
    _publish(folder)


def lay_down(file: Path, token: str) -> None:
    """Write a token for another process to read (mode 0600); the newest stands."""
    _write(file, token.encode(), replace=True)


def rotate(folder: Path) -> None:
    """Put a new signing key in place of the old one, which stays in the key set."""
    make_keys(folder)
    _write(folder / SIGNING_FILE, _pem(Ed25519PrivateKey.generate()), replace=True)
    _publish(folder)


def public_keys(folder: Path) -> dict[str, Any]:
    """The key set as it is published; the newest key first."""
    path = folder / PUBLIC_FILE
    return dict(json.loads(path.read_text())) if path.exists() else {"keys": []}


def _publish(folder: Path) -> None:
    key = serialization.load_pem_private_key((folder / SIGNING_FILE).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{SIGNING_FILE} is not an Ed25519 key")
    newest = public_jwk(key.public_key())
    known = public_keys(folder)["keys"]
    if known and known[0]["kid"] == newest["kid"]:
        return
    keys = [newest, *(old for old in known if old["kid"] != newest["kid"])][:MOST_PUBLIC_KEYS]
    _write(folder / PUBLIC_FILE, json.dumps({"keys": keys}, indent=1).encode(), replace=True, mode=0o644)


def _write(path: Path, data: bytes, *, replace: bool, mode: int = 0o600) -> None:
    """Write a whole file or none; without `replace` a file that stands already wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        draft.replace(path)
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main() -> None:
    """`python -m commerce.keys [--rotate]`: make the keys in KEYS_DIR (default VAR_DIR/keys)."""
    parser = argparse.ArgumentParser(prog="python -m commerce.keys", description=main.__doc__)
    parser.add_argument("--rotate", action="store_true", help="replace the signing key")
    asked = parser.parse_args()
    folder = Path(os.environ.get("KEYS_DIR") or Path(os.environ.get("VAR_DIR") or "var") / "keys")
    if asked.rotate:
        rotate(folder)
    else:
        make_keys(folder)


if __name__ == "__main__":
    main()
