"""A clip is looped at its own pace; what is no clip is named in one sentence."""

import itertools
import threading
from fractions import Fraction
from pathlib import Path

import av
import pytest

from studio_agent.sources import SourceFailed, open_source
from studio_agent.sources.file import FileSource, Fit
from studio_agent.sources.kinds import Clock


def write_clip(
    path: Path, width: int = 320, height: int = 180, frames: int = 15, *, sound: bool = True
) -> Path:
    """A grey clip of 15 pictures a second; picture n has brightness 40 + 10 n."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=15, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = out.add_stream("aac", rate=44_100) if sound else None
        for number in range(frames):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, level in zip(frame.planes, (40 + 10 * number, 128, 128), strict=True):
                plane.update(bytes((level,)) * plane.buffer_size)
            frame.pts, frame.time_base = number, Fraction(1, 15)
            out.mux(video.encode(frame))
        if audio is not None:
            for number in range(frames * 44_100 // 15 // 1_024):
                chunk = av.AudioFrame("fltp", "stereo", 1_024)
                chunk.sample_rate, chunk.pts = 44_100, number * 1_024
                chunk.time_base = Fraction(1, 44_100)
                for plane in chunk.planes:
                    plane.update(bytes(plane.buffer_size))
                out.mux(audio.encode(chunk))
            out.mux(audio.encode(None))
        out.mux(video.encode(None))
    return path


class FastClock(Clock):
    """Waits for nothing: time is what was last waited for."""

    def __init__(self) -> None:
        super().__init__(unix_s=1_000.0, monotonic_s=0.0)

    def now(self) -> float:
        return self.unix_s

    def wait_until(self, due_s: float, stop: threading.Event) -> bool:
        self.unix_s = max(self.unix_s, due_s)
        return not stop.is_set()


def test_a_clip_goes_round_at_its_own_pace(tmp_path: Path) -> None:
    source = FileSource(str(write_clip(tmp_path / "clip.mp4")))
    assert source.fps == 15
    pictures = source.pictures(FastClock(), threading.Event())
    shown = [next(pictures) for _ in range(35)]
    steps = [b.captured_s - a.captured_s for a, b in itertools.pairwise(shown)]
    assert steps == pytest.approx([1 / 15] * 34, abs=0.03)
    middle = [bytes(picture.frame.planes[0])[360 * 1280 + 640] for picture in shown]
    assert middle[3] == pytest.approx(70, abs=8)
    assert middle[:15] == middle[15:30]
    assert shown[15].captured_s - shown[0].captured_s == pytest.approx(source.length_s, abs=1e-6)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 200), (1920, 1080)])
def test_any_shape_is_fitted_with_bars(width: int, height: int) -> None:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, level in zip(frame.planes, (200, 128, 128), strict=True):
        plane.update(bytes((level,)) * plane.buffer_size)
    fitted = Fit()(frame)
    assert (fitted.width, fitted.height, fitted.format.name) == (1280, 720, "yuv420p")
    pixels = fitted.planes[0]
    assert bytes(pixels)[360 * pixels.line_size + 640] == pytest.approx(200, abs=2)
    corner_is_black = bytes(pixels)[0] < 20
    assert corner_is_black == (width * 9 != height * 16)


def test_a_clip_without_sound_is_silent_not_broken(tmp_path: Path) -> None:
    source = FileSource(str(write_clip(tmp_path / "mute.mp4", sound=False)))
    sounds = source.sounds(FastClock(), threading.Event())
    assert not any(bytes(next(sounds).frame.planes[0]))


def test_a_machine_that_slept_skips_and_does_not_hurry(tmp_path: Path) -> None:
    source, clock = FileSource(str(write_clip(tmp_path / "clip.mp4"))), FastClock()
    pictures = source.pictures(clock, threading.Event())
    next(pictures)
    clock.unix_s += 1_000
    after = next(pictures)
    assert after.captured_s > clock.unix_s - 1
    assert source.skipped < 40


def test_what_is_no_video_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("this is no video")
    with av.open(str(tmp_path / "song.wav"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=48_000)
        frame = av.AudioFrame("s16", "stereo", 960)
        frame.sample_rate = 48_000
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        out.mux(stream.encode(frame))
    for name in ("notes.mp4", "song.wav", "absent.mp4"):
        with pytest.raises(SourceFailed, match=rf"{name} is no video.*\.$"):
            open_source(str(tmp_path / name))


def test_a_missing_camera_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceFailed, match=r"^No camera at .*/none .*--source scene\.$"):
        open_source(f"camera:{tmp_path}/none")
