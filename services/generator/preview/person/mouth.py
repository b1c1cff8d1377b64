"""Nose and mouth."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter, mix, skin_shade
from services.generator.preview.drawing.curves import Point, mirrored
from services.generator.preview.person.features import Features

_TEETH: Colour = (250, 246, 240)


def paint_nose(brush: Brush, face: Features, lit_side: int) -> None:
    """The nose, modelled by light from `lit_side`."""
    shade, half = skin_shade(face.skin), face.nose_width
    nose = brush.at((0.0, face.nose_length))
    nose.glow((-0.10 * lit_side, -0.18), (0.13, 0.34), shade, 0.55)
    nose.glow((0.0, 0.09), (0.26, 0.09), shade, 0.8)
    nose.glow((0.02 * lit_side, -0.06), (0.10, 0.11), lighter(face.skin, 0.55), 0.75)
    nose.glow((0.02 * lit_side, -0.34), (0.05, 0.26), lighter(face.skin, 0.5), 0.5)
    dark = darker(shade, 0.38)
    for side in (-1, 1):
        wing = nose.at((0.0, 0.0), flip=side)
        curve = [(half * 0.96, -0.085), (half * 1.08, 0.0), (half * 0.72, 0.045)]
        wing.stroke(curve, 0.022, dark, 0.45, ends=(0.1, 0.6))
        nostril = [(half * 0.70, 0.035), (half * 0.36, 0.03)]
        wing.stroke(nostril, 0.034, dark, 0.75, ends=(0.3, 0.3))
    base = [(-half * 0.3, 0.055), (0.0, 0.072), (half * 0.3, 0.055)]
    nose.stroke(base, 0.018, dark, 0.35, ends=(0.2, 0.2))


def paint_mouth(brush: Brush, face: Features, *, open_smile: bool) -> None:
    """A smile, friendly or broad."""
    mouth = brush.at((0.0, face.nose_length + 0.365))
    tone = mix(face.lips, skin_shade(face.skin), 0.38)
    half, full, gap = face.mouth_width, face.lip_fullness, 0.075 if open_smile else 0.0
    corner = (half * 1.08, -0.092)
    upper = [(0.0, -0.072 * full), (0.07, -0.095 * full), (half * 0.5, -0.075 * full - 0.01)]
    seam = [(half * 0.55, -0.002), (0.0, 0.024)]
    lower = [(half * 0.55, 0.012 + gap * 0.75), (0.0, 0.02 + gap)]
    under = [(half * 0.5, gap * 0.8 + 0.095 * full), (0.0, gap + 0.125 * full)]
    mouth.glow((0.0, gap + 0.20 * full), (0.24, 0.07), skin_shade(face.skin), 0.75)
    mouth.shape(mirrored([*upper, corner, *under]), darker(tone, 0.14))
    if open_smile:
        _teeth(mouth, [corner, *seam], [corner, *lower])
    mouth.shape(mirrored([under[1], under[0], corner, *lower]), lighter(tone, 0.06))
    mouth.shape(mirrored([*upper, corner, *seam]), darker(tone, 0.14))
    line = _across([corner, *(lower if open_smile else seam)])
    mouth.stroke(line, 0.022, darker(tone, 0.55), 0.85, ends=(0.6, 0.6))
    mouth.glow((0.03, gap + 0.07 * full), (half * 0.42, 0.04), lighter(tone, 0.6), 0.65)


def _teeth(brush: Brush, upper: list[Point], lower: list[Point]) -> None:
    corner = upper[0]
    with brush.clip([*_across(upper), *_across(lower)[::-1][1:-1]]) as mouth:
        mouth.wash((_TEETH,) * 2 + (darker(_TEETH, 0.08),) * 2)
        mouth.stroke(_across(upper), 0.03, (110, 60, 60), 0.35)
        for side in (-1, 1):
            mouth.glow((corner[0] * side, corner[1] + 0.02), (0.13, 0.12), (96, 44, 48), 0.8)


def _across(right_half: list[Point]) -> list[Point]:
    """The line from the left corner to the right one, given from the right corner to the middle."""
    return [*((-x, y) for x, y in right_half[:-1]), *right_half[::-1]]
