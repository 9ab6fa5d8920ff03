"""What the operator calls a source: `scene`, `camera`, `camera:DEVICE`, or a file or address."""

from __future__ import annotations

from .camera import CameraSource
from .file import FileSource
from .kinds import Source
from .scene import SceneSource


def open_source(name: str) -> Source:
    """The source of that name, opened. Raises SourceFailed with one sentence."""
    if name == "scene":
        return SceneSource()
    if name == "camera":
        return CameraSource()
    if name.startswith("camera:"):
        return CameraSource(name.removeprefix("camera:"))
    return FileSource(name)
