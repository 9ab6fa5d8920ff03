"""Where picture and sound come from: a drawn scene, a file, a camera."""

from .kinds import Clock, Picture, Sound, Source, SourceFailed
from .naming import open_source

__all__ = ["Clock", "Picture", "Sound", "Source", "SourceFailed", "open_source"]
