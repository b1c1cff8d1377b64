"""Eyes, brows and glasses."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import (
    WHITE,
    Colour,
    darker,
    lighter,
    luminance,
    skin_shade,
)
from services.generator.preview.drawing.curves import Point, path
from services.generator.preview.person.features import Features, Glasses

_WHITE_OF_THE_EYE: Colour = (252, 250, 248)
_WIRE = path("0.33,0 0.24,0.22 0,0.31 -0.24,0.22 -0.33,0 -0.24,-0.22 0,-0.31 0.24,-0.22 0.33,0")
_HORN = path("0.36,0 0.32,0.24 0,0.27 -0.32,0.24 -0.36,0 -0.32,-0.24 0,-0.27 0.32,-0.24 0.36,0")


def paint_eye(brush: Brush, face: Features, outward: float) -> None:
    """One eye; x grows outwards from its middle. `outward` is how far the head turns its way."""
    # The eye on the side that the head turns to is seen at a sharper angle.
    wide, high = 0.225 * (1 - 0.14 * max(0.0, outward)), face.eye_height
    upper = [(-wide, 0.035), (-wide * 0.55, -high * 0.72), (0.0, -high)]
    upper += [(wide * 0.6, -high * 0.66), (wide, -face.eye_tilt)]
    lower = [(wide * 0.55, high * 0.62), (0.0, high * 0.80), (-wide * 0.55, high * 0.52)]
    shade = skin_shade(face.skin)
    with brush.clip([upper[0], *upper, upper[-1], *lower]) as eye:
        eye.wash(((236, 228, 222),) * 2 + (_WHITE_OF_THE_EYE,) * 2)
        _iris(eye.at((outward * 0.028, -0.012)), face.eyes)
        eye.stroke([(x, y + 0.03) for x, y in upper], 0.07, darker(shade, 0.5), 0.32)
        glint = (outward * 0.028 + 0.038 * brush.frame.flip, -0.052)
        eye.oval(glint, (0.026, 0.026), WHITE)
    wing = (wide + 0.05, upper[-1][1] - 0.045)
    brush.stroke([*upper, wing], 0.052, darker(face.hair_colour, 0.72), ends=(0.35, 0.12))
    crease = [(x * 1.02, y - 0.062) for x, y in upper[1:]]
    brush.stroke(crease, 0.018, darker(shade, 0.25), 0.7, ends=(0.2, 0.2))
    brush.stroke([upper[-1], *lower], 0.014, darker(shade, 0.35), 0.6, ends=(0.8, 0.1))


def paint_brow(brush: Brush, face: Features) -> None:
    """The brow over an eye, in the eye's frame."""
    top, arch = -0.295, face.brow_arch
    line = [(-0.23, top), (-0.04, top - arch * 0.55), (0.14, top - arch * 0.75), (0.31, top + 0.05)]
    tone = darker(face.hair_colour, 0.30 if luminance(face.hair_colour) > 0.3 else 0.05)
    brush.stroke(line, face.brow_weight, tone, 0.92, ends=(0.75, 0.08))


def paint_glasses(brush: Brush, face: Features) -> None:
    """Glasses, if any, in the frame of the front of the face."""
    if face.glasses is Glasses.ROUND:
        _spectacles(brush, face.eye_gap, _WIRE, 0.028, (150, 116, 76))
    elif face.glasses is Glasses.SQUARE:
        _spectacles(brush, face.eye_gap, _HORN, 0.048, (44, 34, 38))


def _iris(brush: Brush, colour: Colour) -> None:
    brush.oval((0.0, 0.0), (0.118, 0.118), darker(colour, 0.55))
    brush.oval((0.0, 0.0), (0.100, 0.100), colour)
    brush.oval((0.0, 0.03), (0.075, 0.06), lighter(colour, 0.25), 0.7)
    brush.oval((0.0, 0.0), (0.052, 0.052), (18, 12, 16))


def _spectacles(brush: Brush, gap: float, rim: list[Point], width: float, tone: Colour) -> None:
    half = rim[0][0]
    for side in (-1, 1):
        lens = brush.at((gap * side, 0.03), flip=side)
        lens.shape(rim, WHITE, 0.10)
        lens.stroke(rim, width, tone)
        lens.stroke([(half, -0.05), (1.0 - gap, -0.09)], width, tone)
        gleam = [(-0.17 * side, 0.09), (-0.03 * side, -0.15)]
        lens.stroke(gleam, 0.035, WHITE, 0.35, ends=(0.2, 0.2))
    bridge = gap - half
    brush.stroke([(-bridge, 0.0), (0.0, -0.05), (bridge, 0.0)], width, tone)
