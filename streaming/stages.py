"""Stages from a file instead of the bulletin, so that a relay can be tried, tested and timed alone."""

from __future__ import annotations

import json
from pathlib import Path

from .contract import Stage, from_wire


def read_stages(file: Path) -> list[Stage]:
    """A JSON list of stages as `contract.to_wire` makes them (`kind` may be left out).

    Raises ValueError that says what is wrong.
    """
    found = json.loads(file.read_text())
    if not isinstance(found, list):
        raise ValueError(f"{file} is not a JSON list of stages")
    stages = []
    for item in found:
        message = from_wire({"kind": "Stage", **item} if isinstance(item, dict) else item)
        if not isinstance(message, Stage):
            raise ValueError(f"{file} holds something that is no stage")
        stages.append(message)
    return stages
