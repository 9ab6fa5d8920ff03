"""What the encoder gives: Constrained Baseline that any browser decodes, keyframes when asked."""

import av
import pytest

from studio_agent.encoder import AccessUnit, LayeredEncoder, PictureEncoder, SoundEncoder
from studio_agent.layers import layers_of, shared
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


def test_encodings_begin_together_and_each_begins_anew_on_wish(scene: Scene) -> None:
    layers = layers_of(3, 2_500_000)
    encoder, rates = LayeredEncoder(FPS, layers, "ultrafast"), shared(9_000_000, layers)
    keyframes: dict[str, list[int]] = {"f": [], "h": [], "q": []}
    sizes: dict[str, set[tuple[int, int]]] = {"f": set(), "h": set(), "q": set()}
    decoders = {rid: av.CodecContext.create("h264", "r") for rid in keyframes}
    for number in range(8):
        at_s = 1_800_000_000 + number / FPS
        wished = frozenset({"h"}) if number == 5 else frozenset()
        for rid, unit in encoder.encode(Picture(scene.draw(at_s), at_s), wished, rates):
            assert unit.captured_s == at_s
            if unit.is_keyframe:
                keyframes[rid].append(number)
            for frame in decoders[rid].decode(av.Packet(unit.data)):  # type: ignore[attr-defined]  # of video
                sizes[rid].add((frame.width, frame.height))
    assert keyframes == {"f": [0], "h": [0, 5], "q": [0]}
    assert sizes == {"f": {(1280, 720)}, "h": {(640, 360)}, "q": {(320, 180)}}


def test_an_encoding_that_rested_begins_with_a_keyframe(scene: Scene) -> None:
    layers = layers_of(2, 2_500_000)
    encoder = LayeredEncoder(FPS, layers, "ultrafast")
    picture = Picture(scene.draw(1_800_000_000), 1_800_000_000)
    seen = []
    for total in (4_000_000, 800_000, 4_000_000):
        units = encoder.encode(picture, frozenset(), shared(total, layers))
        seen.append([(rid, unit.is_keyframe) for rid, unit in units])
        picture = Picture(picture.frame, picture.captured_s + 1 / FPS)
    assert seen == [[("f", True), ("h", True)], [("h", False)], [("f", True), ("h", False)]]


def test_a_narrow_path_keeps_the_small_pictures_and_the_smallest_always() -> None:
    layers = layers_of(3, 2_500_000)
    assert shared(9_000_000, layers) == {"f": 2_500_000, "h": 700_000, "q": 125_000}
    assert shared(3_000_000, layers) == {"f": 2_175_000, "h": 700_000, "q": 125_000}
    assert shared(1_200_000, layers) == {"f": 0, "h": 700_000, "q": 125_000}
    assert shared(100_000, layers) == {"f": 0, "h": 0, "q": 100_000}
    assert shared(100_000, layers[:1]) == {"f": 100_000}


def test_each_chunk_is_one_opus_packet() -> None:
    encoder = SoundEncoder()
    chunks = [Chunk(bytes(3_840), 100 + number * 0.02) for number in range(10)]
    units = [encoder.encode(chunk) for chunk in chunks]
    assert [unit and unit.captured_s for unit in units] == [chunk.captured_s for chunk in chunks]
