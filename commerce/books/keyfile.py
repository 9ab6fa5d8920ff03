"""A secret in a file of its own: read when it stands, made (0600) when it does not.

Of two processes that start together one makes it, and neither reads half of it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def read_or_make(path: Path, size_bytes: int) -> bytes:
    """The secret in the file; blocks on the disk.

    Raises PermissionError when others can read it, ValueError when it is of another size.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path, size_bytes)
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path}: others can read this secret; chmod 600 it")
    secret = path.read_bytes()
    if len(secret) != size_bytes:
        raise ValueError(f"{path}: holds {len(secret)} bytes, not {size_bytes}")
    return secret


def _make(path: Path, size_bytes: int) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, secrets.token_bytes(size_bytes))
        os.fsync(handle)
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first: its secret is everybody's
    finally:
        os.close(handle)
        draft.unlink()
