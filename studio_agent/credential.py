"""What a paired agent keeps in a file of mode 0600: its shop, its studio, the credential that it renews."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .settings import SettingsError


@dataclass(frozen=True, slots=True)
class Credential:
    """A pairing. `secret` changes with every renewal."""

    shop: str  # its origin
    studio: str
    studio_name: str
    secret: str = field(repr=False)


def read_credential(path: Path) -> Credential | None:
    """The pairing in the file; None when there is no file. Raises SettingsError, which names the file."""
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path} can be read by others: chmod 600 it, or pair again.")
        return Credential(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise SettingsError(f"{path} holds no pairing: delete it, and pair again.") from None


def write_credential(path: Path, credential: Credential) -> None:
    """Put the pairing in place of what stands there, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(credential), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
