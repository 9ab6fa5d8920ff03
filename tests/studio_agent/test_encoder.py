"""What the encoder gives: Constrained Baseline that any browser decodes, keyframes when asked."""

import av
import pytest

from studio_agent.encoder import AccessUnit, PictureEncoder, SoundEncoder
from studio_agent.mixer import Chunk
from studio_agent.packets import nal_units
from studio_agent.sources.kinds import Picture
from studio_agent.sources.scene import Scene

FPS = 30.0


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene()


def encoded(
    encoder: PictureEncoder, scene: Scene, numbers: range, wishes: frozenset[int] = frozenset()
) -> list[AccessUnit]:
    units = []
    for number in numbers:
        at_s = 1_800_000_000 + number / FPS
        unit = encoder.encode(Picture(scene.draw(at_s), at_s), number in wishes)
        assert unit is not None
        units.append(unit)
    return units


def test_every_keyframe_brings_its_parameter_sets_and_is_constrained_baseline(scene: Scene) -> None:
    units = encoded(PictureEncoder(FPS, 2_500_000, "superfast"), scene, range(70), frozenset({25}))
    assert [number for number, unit in enumerate(units) if unit.is_keyframe] == [0, 25]
    for unit in units:
        kinds = [nal[0] & 0x1F for nal in nal_units(unit.data) if nal[0] & 0x1F != 6]
        assert kinds == ([7, 8, 5] if unit.is_keyframe else [1])
    parameters = next(nal for nal in nal_units(units[0].data) if nal[0] & 0x1F == 7)
    assert parameters[1] == 66
    assert parameters[2] & 0x40, "constraint_set1: a decoder of Main may decode it"
    assert parameters[3] == 31


def test_a_keyframe_comes_every_two_seconds(scene: Scene) -> None:
    units = encoded(PictureEncoder(FPS, 2_500_000, "ultrafast"), scene, range(125))
    assert [number for number, unit in enumerate(units) if unit.is_keyframe] == [0, 60, 120]


def test_the_rate_follows_the_network_down_and_up_to_its_own(scene: Scene) -> None:
    encoder = PictureEncoder(FPS, 2_500_000, "ultrafast")
    encoded(encoder, scene, range(60))
    encoder.steer(700_000)
    units = encoded(encoder, scene, range(60, 180))
    second_half = sum(len(unit.data) for unit in units[60:]) * 8 / 2
    assert second_half < 1_000_000
    encoder.steer(9_000_000)
    assert encoder.bitrate_bps == 2_500_000
    encoder.steer(1)
    assert encoder.bitrate_bps == 300_000


def test_the_strip_survives_the_encoder(scene: Scene) -> None:
    from tests.studio_agent.test_scene import time_in

    encoder, decoder = PictureEncoder(FPS, 1_000_000, "superfast"), av.CodecContext.create("h264", "r")
    for number, unit in enumerate(encoded(encoder, scene, range(40))):
        for frame in decoder.decode(av.Packet(unit.data)):
            assert time_in(frame) == 1_800_000_000_000 + round(number * 1000 / FPS)


def test_each_chunk_is_one_opus_packet() -> None:
    encoder = SoundEncoder()
    chunks = [Chunk(bytes(3_840), 100 + number * 0.02) for number in range(10)]
    units = [encoder.encode(chunk) for chunk in chunks]
    assert [unit and unit.captured_s for unit in units] == [chunk.captured_s for chunk in chunks]
