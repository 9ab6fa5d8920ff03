"""How every key of the live state is spelt. Knows nothing else.

All keys of a show carry its hash tag `{show}`, so that a cluster keeps a show in one place. A key
without a tag belongs to the shop as a whole.
"""

from __future__ import annotations

from typing import Final

OPEN_SHOWS: Final = "shows:open"  # set of show ids that a desk has to run
PAIRINGS: Final = "pairing:waiting"  # sorted set: devices that wait to be paired, by when that ends


def pairing(device: str) -> str:
    """Hash: a device that waits to be paired, by the digest of its code."""
    return f"pairing:device:{device}"


def pairing_code(code: str) -> str:
    """String: the key of the device that shows this code."""
    return f"pairing:code:{code}"


def log(show: str) -> str:
    """Stream: the commits of the show."""
    return f"{{{show}}}:log"


def inbox(show: str) -> str:
    """Stream: commands on their way to the desk."""
    return f"{{{show}}}:inbox"


def answers(show: str, front: str) -> str:
    """Stream: answers of the desk to one front process."""
    return f"{{{show}}}:answers:{front}"


def lease(show: str) -> str:
    """String with an expiry: which desk works on the show."""
    return f"{{{show}}}:lease"


def alive(show: str) -> str:
    """String: when a desk last held the lease (Redis ms), so that an outage can be measured."""
    return f"{{{show}}}:alive"


def snapshot(show: str) -> str:
    """Hash: the newest folded state."""
    return f"{{{show}}}:snapshot"


def snapshot_before(show: str) -> str:
    """Hash: the folded state before the newest, should that one be torn."""
    return f"{{{show}}}:snapshot:before"


def cursor(show: str, effect: str) -> str:
    """String: the last log version that an effect has done."""
    return f"{{{show}}}:cursor:{effect}"


def cursors(show: str) -> str:
    """Set: the effects that follow the show; the log is trimmed behind the slowest."""
    return f"{{{show}}}:cursors"


def talk(show: str) -> str:
    """Stream: chat, questions and hearts; not facts of the sale."""
    return f"{{{show}}}:talk"


def hearts(show: str) -> str:
    """Counter: hearts so far."""
    return f"{{{show}}}:hearts"


def cart(show: str, viewer: str) -> str:
    """String: what a viewer has put together; it holds nothing."""
    return f"{{{show}}}:cart:{viewer}"


def is_fleeting(key: str) -> bool:
    """Whether a key is worth nothing once the processes of now are gone: no backup keeps it."""
    return key.startswith(("relay:", "pairing:")) or "}:answers:" in key or key.endswith("}:lease")
