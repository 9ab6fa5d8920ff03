"""A camera and a microphone as a source, through PyAV: v4l2 and ALSA.

A device that is missing is one sentence; a device that goes while on air ends the source.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

import av
import av.error

from .file import Fit, silence
from .kinds import HEIGHT, WIDTH, Clock, Picture, Sound, SourceFailed

DEFAULT_CAMERA: Final = "/dev/video0"
DEFAULT_MICROPHONE: Final = "default"
FPS: Final = 30


def _open(device: str, driver: str, options: dict[str, str]) -> av.container.InputContainer:
    if driver not in av.formats_available:
        raise SourceFailed(f"This build of PyAV has no {driver}: name a file or the scene as source.")
    return av.open(device, format=driver.split(",", maxsplit=1)[0], options=options)


class CameraSource:
    """Picture of a v4l2 device and sound of an ALSA device. Raises SourceFailed when there is none."""

    fps = float(FPS)

    def __init__(self, camera: str = DEFAULT_CAMERA, microphone: str = DEFAULT_MICROPHONE) -> None:
        self.skipped = 0
        self._camera_name = camera
        wish = {"video_size": f"{WIDTH}x{HEIGHT}", "framerate": str(FPS)}
        try:
            self._camera = _open(camera, "video4linux2,v4l2", wish | {"input_format": "mjpeg"})
        except (OSError, av.error.FFmpegError):
            try:
                self._camera = _open(camera, "video4linux2,v4l2", wish)
            except (OSError, av.error.FFmpegError) as error:
                raise SourceFailed(
                    f"No camera at {camera} ({error.strerror}): plug one in, or use --source scene."
                ) from None
        self._microphone: av.container.InputContainer | None = None
        with contextlib.suppress(OSError, av.error.FFmpegError, SourceFailed):
            self._microphone = _open(microphone, "alsa", {"sample_rate": "48000", "channels": "2"})

    def pictures(self, clock: Clock, stop: threading.Event) -> Iterator[Picture]:
        fit = Fit()
        for frame in self._frames(self._camera, stop):
            if isinstance(frame, av.VideoFrame):
                yield Picture(fit(frame), clock.now())

    def sounds(self, clock: Clock, stop: threading.Event) -> Iterator[Sound]:
        if self._microphone is None:
            yield from silence(clock, stop)
            return
        for frame in self._frames(self._microphone, stop):
            if isinstance(frame, av.AudioFrame):
                yield Sound(frame, clock.now() - frame.samples / frame.sample_rate)

    def _frames(self, device: av.container.InputContainer, stop: threading.Event) -> Iterator[object]:
        """Frames until the stop; a damaged one (a torn MJPEG) is left out."""
        try:
            for packet in device.demux():
                if stop.is_set():
                    return
                with contextlib.suppress(av.error.InvalidDataError):
                    yield from packet.decode()
        except (OSError, av.error.FFmpegError) as error:
            raise SourceFailed(f"The camera at {self._camera_name} has gone: {error.strerror}.") from None
        if not stop.is_set():
            raise SourceFailed(f"The camera at {self._camera_name} has gone.")
