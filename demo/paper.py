"""What the demo says: the lines on the terminal, and var/demo.json for scripts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from demo.seed import OnAir

FILE: Final = "demo.json"
LOGINS_FILE: Final = "demo-logins.json"


@dataclass(frozen=True, slots=True)
class Places:
    """Where browsers reach shop and relay (origins)."""

    shop: str
    relay: str


def sheet(places: Places, busy: OnAir, idle: OnAir, logins: dict[str, str]) -> dict[str, Any]:
    """The content of demo.json. `idle` is on air as well, but nobody publishes there."""
    return {
        "show": busy.show,
        "viewer": f"{places.shop}/shows/{busy.show}",
        "host": f"{places.shop}/host/{busy.show}",
        "merchant": f"{places.shop}/merchant",
        "api": places.shop,
        "whep": busy.whep,
        "whep_token": busy.whep_token,
        "whip_idle": idle.whip,
        "whip_idle_token": idle.whip_token,
        "whep_idle": idle.whep,
        "whep_idle_token": idle.whep_token,
        "relay_status": f"{places.relay}/status",
        "logins": {name: {"name": name, "password": password} for name, password in logins.items()},
    }


def lay_down(folder: Path, content: dict[str, Any]) -> None:
    """Write demo.json, for its owner alone: it holds tokens and passwords."""
    keep_secret(folder / FILE, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def keep_secret(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    draft = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as opened:
        opened.write(text)
    draft.replace(file)


def known_logins(folder: Path) -> dict[str, str] | None:
    """The passwords of an evening before on the same books."""
    file = folder / LOGINS_FILE
    return dict(json.loads(file.read_text())) if file.exists() else None


def keep_logins(folder: Path, logins: dict[str, str]) -> dict[str, str]:
    keep_secret(folder / LOGINS_FILE, json.dumps(logins))
    return logins


def take_away(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)


def words(content: dict[str, Any], seconds: float | None, authority: Path | None) -> str:
    """What a person reads once everything runs."""
    host, seller = content["logins"]["host"], content["logins"]["merchant"]
    end = (
        "Ctrl-C ends it."
        if seconds is None
        else f"It ends by itself after {seconds:g} s; Ctrl-C ends it now."
    )
    lines = [
        "",
        "Silkcast is on air.",
        f"  watch and buy   {content['viewer']}",
        f"  host            {content['host']}   name {host['name']}, password {host['password']}",
        f"  merchant        {content['merchant']}   name {seller['name']}, password {seller['password']}",
        f"  for scripts     var/{FILE}; the API: {content['api']}/api/openapi.json",
        *(
            [f"  certificate     {authority} signed this machine's; tell your browser to trust it"]
            if authority
            else []
        ),
        end,
    ]
    return "\n".join(lines)
