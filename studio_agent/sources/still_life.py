"""The studio that is drawn where no camera is: an evening room, a table, goods, one lamp.

Everything here is drawn once, at start, at twice the size and scaled down. It knows pigments and
shapes, and nothing of time: `scene` moves what this page hands out.
"""

from __future__ import annotations

import itertools
import math
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from .kinds import HEIGHT, WIDTH
from .strip import STRIP_HEIGHT, STRIP_TOP

Colour = tuple[int, int, int]
FINE: Final = 2  # drawn at twice the size
CREAM: Final = (243, 231, 211)
INK: Final = (38, 27, 22)
SAFFRON: Final = (226, 138, 43)
MADDER: Final = (168, 44, 52)
INDIGO: Final = (43, 62, 110)
TEAL: Final = (32, 120, 116)
ROSE: Final = (206, 110, 112)
CELADON: Final = (146, 182, 160)
TABLE_TOP: Final = 452
TABLE_EDGE: Final = 650


def _box(*edges: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(edge * FINE) for edge in edges)
    return left, top, right, bottom


def _points(*pairs: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * FINE, y * FINE) for x, y in pairs]


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two; share 0 is the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _gradient(size: tuple[int, int], first: Colour, last: Colour, upright: bool = True) -> Image.Image:
    ramp = Image.linear_gradient("L")
    ramp = (ramp if upright else ramp.rotate(90)).resize(size)
    return Image.composite(Image.new("RGB", size, last), Image.new("RGB", size, first), ramp)


def _paint(scene: Image.Image, mask: Image.Image, paint: Image.Image, at: tuple[int, int]) -> None:
    scene.paste(paint, at, mask)


def _shadow(scene: Image.Image, box: tuple[float, float, float, float], depth: int = 120) -> None:
    """A soft dark ellipse where a thing stands."""
    left, top, right, bottom = _box(*box)
    margin = 40
    mask = Image.new("L", (right - left + 2 * margin, bottom - top + 2 * margin))
    ImageDraw.Draw(mask).ellipse((margin, margin, right - left + margin, bottom - top + margin), fill=depth)
    mask = mask.filter(ImageFilter.GaussianBlur(14))
    scene.paste(Image.new("RGB", mask.size, (20, 10, 8)), (left - margin, top - margin), mask)


def _round_body(
    scene: Image.Image, outline: list[tuple[float, float]], colour: Colour, shine: float = 0.35
) -> None:
    """A turned body (pot, bowl, roll): its outline filled with a light from the upper left."""
    points = _points(*outline)
    left, top = (math.floor(min(p[axis] for p in points)) for axis in (0, 1))
    right, bottom = (math.ceil(max(p[axis] for p in points)) for axis in (0, 1))
    size = (right - left + 1, bottom - top + 1)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=255)
    body = _gradient(size, mix(colour, CREAM, 0.25), mix(colour, INK, 0.55), upright=False)
    glow = Image.new("L", size)
    spot = (size[0] * 0.16, size[1] * 0.12, size[0] * 0.46, size[1] * 0.55)
    ImageDraw.Draw(glow).ellipse(spot, fill=round(255 * shine))
    glow = glow.filter(ImageFilter.GaussianBlur(max(4, size[0] // 12)))
    body.paste(Image.new("RGB", size, (255, 244, 222)), (0, 0), glow)
    _paint(scene, mask, body, (left, top))


def _turned(
    centre: float, top: float, profile: list[tuple[float, float]], steps: int = 10
) -> list[tuple[float, float]]:
    """The outline of a turned body from (height below its top, half width) pairs, smoothed by cosine."""
    curve: list[tuple[float, float]] = []
    for (y0, w0), (y1, w1) in itertools.pairwise(profile):
        for step in range(steps):
            ease = (1 - math.cos(math.pi * step / steps)) / 2
            curve.append((y0 + (y1 - y0) * step / steps, w0 + (w1 - w0) * ease))
    curve.append(profile[-1])
    right = [(centre + width, top + y) for y, width in curve]
    left = [(centre - width, top + y) for y, width in reversed(curve)]
    return right + left


def _wall(scene: Image.Image) -> None:
    scene.paste(_gradient(scene.size, (112, 80, 60), (150, 108, 76)), (0, 0))
    draw = ImageDraw.Draw(scene)
    arch = _box(914, 96, 1194, 420)
    draw.rounded_rectangle(arch, radius=140 * FINE, fill=(86, 60, 48))
    draw.rectangle(_box(914, 300, 1194, 452), fill=(86, 60, 48))
    draw.rounded_rectangle(_box(928, 110, 1180, 440), radius=126 * FINE, fill=(104, 74, 58))
    draw.rectangle(_box(928, 300, 1180, 452), fill=(104, 74, 58))
    for shelf in (232, 344):
        draw.rectangle(_box(928, shelf, 1180, shelf + 8), fill=(66, 44, 34))
        draw.rectangle(_box(928, shelf + 8, 1180, shelf + 14), fill=(80, 56, 44))


def _shelf_goods(scene: Image.Image) -> None:
    for x, colour, scale in (
        (964, INDIGO, 0.8),
        (1016, MADDER, 1.0),
        (1066, CELADON, 0.75),
        (1130, TEAL, 0.95),
    ):
        tall = [(0, 8), (14, 6), (44, 24), (74, 15), (84, 17)]
        profile = [(y * scale, w * scale) for y, w in tall]
        _round_body(scene, _turned(x, 232 - 84 * scale, profile), mix(colour, (104, 74, 58), 0.15), 0.25)
    for x, colour in ((970, SAFFRON), (1032, ROSE), (1094, CREAM), (1146, INDIGO)):
        _round_body(scene, _turned(x, 302, [(0, 24), (8, 26), (30, 16), (42, 14)]), colour, 0.2)


def _hanging(scene: Image.Image) -> None:
    """An ikat cloth on the wall: rows of stepped diamonds, a fringe."""
    left, top, right, bottom = 88, 64, 344, 392
    draw = ImageDraw.Draw(scene)
    draw.rectangle(_box(left - 18, top - 12, right + 18, top - 4), fill=(58, 38, 28))
    draw.rectangle(_box(left, top, right, bottom), fill=MADDER)
    for row in range(4):
        for column in range(3):
            x, y = left + 43 + column * 85, top + 42 + row * 82
            rings = ((40, CREAM), (33, INDIGO), (24, SAFFRON), (15, MADDER), (7, CREAM))
            for reach, colour in rings:
                draw.polygon(
                    _points((x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)), fill=colour
                )
    for x in range(left, right, 6):
        draw.line(_points((x + 2, bottom), (x + 2 + (x % 4 - 1), bottom + 22)), fill=CREAM, width=3)
    for edge in (left, right - 6):
        draw.rectangle(_box(edge, top, edge + 6, bottom), fill=INDIGO)
    weave = Image.effect_noise(scene.size, 18).point(lambda level: 236 + (level - 128) // 6)
    cloth = _box(left, top, right, bottom)
    woven = ImageChops.multiply(scene.crop(cloth), weave.crop(cloth).convert("RGB"))
    scene.paste(woven, cloth[:2])


def _table(scene: Image.Image) -> None:
    wide, high = WIDTH * FINE, (TABLE_EDGE - TABLE_TOP) * FINE
    scene.paste(_gradient((wide, high), (118, 72, 44), (158, 100, 62)), (0, TABLE_TOP * FINE))
    draw = ImageDraw.Draw(scene)
    for line in range(26):
        y = TABLE_TOP + 4 + line * 7.6
        wave = [(x, y + 2.2 * math.sin(x / 210 + line * 1.7)) for x in range(-20, WIDTH + 40, 20)]
        draw.line(_points(*wave), fill=mix((118, 72, 44), INK, 0.12 + 0.06 * (line % 3)), width=2)
    draw.rectangle(_box(0, TABLE_EDGE, WIDTH, HEIGHT), fill=(74, 44, 28))
    draw.rectangle(_box(0, TABLE_EDGE, WIDTH, TABLE_EDGE + 5), fill=(186, 124, 80))
    band = _box(0, STRIP_TOP - 4, WIDTH, STRIP_TOP + STRIP_HEIGHT + 4)
    draw.rectangle(band, fill=MADDER)


def _silk(scene: Image.Image) -> None:
    """Three rolls of silk, ends towards us."""
    _shadow(scene, (96, 566, 400, 618))
    for x, y, colour in ((150, 556, TEAL), (268, 556, MADDER), (209, 462, SAFFRON)):
        _round_body(scene, [(x, y - 54), (x + 118, y - 62), (x + 118, y + 38), (x, y + 54)], colour, 0.3)
        draw = ImageDraw.Draw(scene)
        draw.ellipse(_box(x - 56, y - 56, x + 56, y + 56), fill=mix(colour, INK, 0.35))
        for ring, reach in enumerate(range(52, 10, -7)):
            tone = mix(colour, CREAM if ring % 2 else INK, 0.18)
            draw.ellipse(_box(x - reach, y - reach, x + reach, y + reach), fill=tone)
        draw.ellipse(_box(x - 10, y - 10, x + 10, y + 10), fill=(90, 60, 38))


def _tea(scene: Image.Image) -> None:
    _shadow(scene, (430, 556, 640, 604))
    draw = ImageDraw.Draw(scene)
    draw.arc(_box(420, 470, 520, 572), 80, 285, fill=mix(CELADON, INK, 0.4), width=14 * FINE)
    spout = _points((566, 548), (632, 474), (644, 482), (596, 570))
    draw.polygon(spout, fill=mix(CELADON, INK, 0.25))
    _round_body(scene, _turned(520, 466, [(0, 30), (20, 54), (66, 66), (106, 40), (116, 42)]), CELADON, 0.5)
    _round_body(scene, _turned(520, 440, [(0, 8), (8, 12), (14, 7), (18, 26), (28, 32)]), CELADON, 0.4)
    for x in (470, 566):
        _shadow(scene, (x - 26, 612, x + 40, 640), 90)
        _round_body(scene, _turned(x, 592, [(0, 27), (20, 25), (40, 14), (45, 15)], 6), CREAM, 0.4)
        draw.ellipse(_box(x - 25, 587, x + 25, 600), fill=(120, 62, 26))
        draw.ellipse(_box(x - 27, 585, x + 27, 602), outline=mix(CREAM, INK, 0.2), width=2 * FINE)


def _fruit(scene: Image.Image) -> None:
    _shadow(scene, (870, 566, 1110, 622))
    draw = ImageDraw.Draw(scene)
    apricots = ((900, 520), (944, 504), (990, 498), (1036, 506), (1078, 522), (966, 480), (1012, 476))
    for number, (x, y) in enumerate(apricots):
        colour = mix((238, 150, 60), (206, 84, 52), (number % 3) / 2)
        circle = [
            (x + 27 * math.cos(a / 12 * math.pi), y + 26 * math.sin(a / 12 * math.pi)) for a in range(24)
        ]
        _round_body(scene, circle, colour, 0.5)
        draw.arc(_box(x - 16, y - 24, x + 8, y + 24), 280, 70, fill=mix(colour, INK, 0.3), width=3)
    _round_body(scene, _turned(988, 522, [(0, 122), (10, 124), (52, 74), (70, 46), (78, 50)]), INDIGO, 0.35)
    for x in range(884, 1096, 26):
        rim = 540 + 5 * math.cos((x - 988) / 70)
        draw.polygon(_points((x, rim - 8), (x + 8, rim), (x, rim + 8), (x - 8, rim)), fill=CREAM)


def _parcel(scene: Image.Image) -> None:
    _shadow(scene, (1118, 596, 1262, 632))
    _round_body(scene, [(1130, 524), (1250, 524), (1250, 616), (1130, 616)], ROSE, 0.25)
    draw = ImageDraw.Draw(scene)
    draw.polygon(_points((1130, 524), (1146, 504), (1262, 504), (1250, 524)), fill=mix(ROSE, CREAM, 0.3))
    draw.polygon(_points((1250, 524), (1262, 504), (1262, 596), (1250, 616)), fill=mix(ROSE, INK, 0.45))
    draw.rectangle(_box(1182, 524, 1196, 616), fill=CREAM)
    draw.polygon(_points((1182, 524), (1196, 504), (1210, 504), (1196, 524)), fill=CREAM)
    for side in (-1, 1):
        loop = _points((1198, 506), (1198 + side * 34, 482), (1198 + side * 40, 506))
        draw.polygon(loop, fill=mix(CREAM, SAFFRON, 0.25))


def _stand(scene: Image.Image) -> None:
    """The turning plate in the middle; the jar on it turns."""
    _shadow(scene, (664, 596, 850, 640))
    draw = ImageDraw.Draw(scene)
    draw.ellipse(_box(666, 588, 846, 632), fill=(70, 46, 34))
    draw.ellipse(_box(666, 582, 846, 624), fill=(196, 158, 104))
    draw.ellipse(_box(678, 586, 834, 619), fill=(166, 126, 78))


def draw_room() -> Image.Image:
    """The room in full light, 1280 x 720 RGB, all but what moves."""
    scene = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE))
    for paint in (_wall, _shelf_goods, _hanging, _table, _silk, _tea, _fruit, _parcel, _stand):
        paint(scene)
    return scene.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def dim(room: Image.Image) -> Image.Image:
    """The same room where the lamp does not reach."""
    return ImageChops.multiply(room, Image.new("RGB", room.size, (128, 104, 106)))


def draw_pool() -> Image.Image:
    """How the lamp's light falls, as a mask of 1160 x 660: full in the middle, none at the rim."""
    at_the_sides = 182  # what the gradient has reached in the middle of each side
    pool = Image.radial_gradient("L").point(
        lambda level: round(255 * math.sin(math.pi / 2 * max(0, 1 - level / at_the_sides)) ** 0.75)
    )
    return pool.resize((1160, 660), Image.Resampling.BICUBIC)


def draw_jar(phases: int) -> list[Image.Image]:
    """The turning jar, 128 x 176 RGBA, at even angles of one pattern's width."""
    return [_jar(phase / phases) for phase in range(phases)]


def _jar(turn: float) -> Image.Image:
    outline = _turned(64, 4, [(0, 22), (12, 18), (24, 22), (84, 58), (150, 34), (166, 38)])
    size = (128 * FINE, 176 * FINE)
    body = Image.new("RGB", size)
    _round_body(body, outline, (236, 226, 206), 0.45)
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(_points(*outline), fill=255)
    draw = ImageDraw.Draw(body)
    for number in range(-1, 9):
        angle = math.pi * (number + turn * 2 - 4) / 6
        if abs(angle) < math.pi / 2:
            _ornament(draw, 64 + 58 * math.sin(angle), math.cos(angle), number % 2 == 0)
    for y in (30, 142):
        draw.line(_points((10, y), (118, y)), fill=INDIGO, width=4)
    jar = body.convert("RGBA")
    jar.putalpha(mask)
    return jar.resize((128, 176), Image.Resampling.BOX)


def _ornament(draw: ImageDraw.ImageDraw, x: float, width: float, is_large: bool) -> None:
    reach = 15 * width
    if is_large:
        draw.polygon(_points((x, 56), (x + reach, 88), (x, 122), (x - reach, 88)), fill=INDIGO)
        draw.polygon(
            _points((x, 74), (x + reach / 2, 88), (x, 104), (x - reach / 2, 88)), fill=(236, 226, 206)
        )
    else:
        draw.ellipse(_box(x - 6 * width, 82, x + 6 * width, 94), fill=MADDER)


def draw_lamp(angle_degrees: float) -> Image.Image:
    """The hanging lamp at an angle, 320 x 180 RGBA; it hangs from the middle of the top edge."""
    lamp = Image.new("RGBA", (320 * FINE, 180 * FINE))
    draw = ImageDraw.Draw(lamp)
    draw.line(_points((160, 0), (160, 96)), fill=(*INK, 255), width=4)
    draw.polygon(_points((146, 92), (174, 92), (214, 146), (106, 146)), fill=(*SAFFRON, 255))
    draw.polygon(
        _points((146, 92), (158, 92), (140, 146), (106, 146)), fill=(*mix(SAFFRON, CREAM, 0.35), 255)
    )
    draw.ellipse(_box(106, 138, 214, 156), fill=(255, 240, 205, 255))
    turned = lamp.rotate(angle_degrees, Image.Resampling.BICUBIC, center=(160 * FINE, -200 * FINE))
    return turned.resize((320, 180), Image.Resampling.BOX)


def draw_steam(phase: float) -> Image.Image:
    """Steam above the tea at a moment of its loop (0..1): a mask of 96 x 128."""
    steam = Image.new("L", (96, 128))
    draw = ImageDraw.Draw(steam)
    for puff in range(5):
        age = (phase + puff / 5) % 1
        x = 48 + 16 * math.sin(2 * math.pi * (age * 0.8 + puff * 0.37)) * age
        y, reach = 116 - 100 * age, 5 + 15 * age
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=round(96 * math.sin(math.pi * age)))
    return steam.filter(ImageFilter.GaussianBlur(7))


def draw_signs(signs: str, size: int) -> dict[str, Image.Image]:
    """Light figures on ink for the clock, all of one width, as brightness (L) alone."""
    font = ImageFont.load_default(size)
    width = max(math.ceil(font.getlength(sign)) for sign in signs if sign.isdigit())
    width += width % 2
    sprites = {}
    for sign in signs:
        sprite = Image.new("L", (width if sign.isdigit() else width // 4 * 2, size + size // 4))
        place = (sprite.width / 2, sprite.height / 2)
        ImageDraw.Draw(sprite).text(place, sign, fill=230, font=font, anchor="mm")
        sprites[sign] = sprite.point(lambda level: max(30, level))
    return sprites
