"""What is worn above the waist: the cloth, its neckline and its details."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter, luminance
from services.generator.preview.drawing.curves import Point, mirrored, path
from services.generator.preview.person.jacket import paint_jacket
from services.generator.preview.person.tailoring import SIDE, TRIM
from services.generator.preview.pose import Garment, Pose

_CREW = path("0,2.26 0.34,2.16 0.56,1.82")
_OPEN = path("0,2.86 0.32,2.32 0.54,1.78")
_HOOD = mirrored(path("0,1.05 0.62,1.15 0.98,1.6 1.22,2.2 0,2.6"))
_HOOD_RIM = path("0.62,1.42 0.86,1.78 0.78,2.2 0.32,2.52 0.02,2.6")
_CORD = path("0.26,2.55 0.3,3.1 0.24,3.75")
_POUCH = path("-0.95,6.9 -0.62,5.75 0.62,5.75 0.95,6.9")
_COLLAR_BACK = mirrored(path("0,1.5 0.5,1.52 0.72,1.95 0,2.3"))
_COLLAR_LEAF = path("0.46,1.5 0.66,1.76 0.72,2.36 0.28,2.62 0.1,2.8 0.36,2.2")
_ROLL = mirrored(path("0,1.56 0.4,1.5 0.51,1.44 0.53,1.75 0.64,1.98 0.34,2.2 0,2.26"))
_ROLL_FOLD = path("-0.56,1.86 -0.3,2.02 0,2.07 0.3,2.02 0.56,1.86")
_CHEST_FOLD = path("1.55,3.2 1.05,3.75 0.6,3.95")
_WAIST_FOLD = path("1.42,5.6 0.9,5.25 0.4,5.3")


def paint_behind_neck(brush: Brush, pose: Pose) -> None:
    """What a garment shows behind the neck: a hood, or the back of a collar."""
    if pose.garment is Garment.HOODIE:
        brush.shape(_HOOD, darker(pose.cloth, 0.35))
    elif pose.garment in (Garment.SHIRT, Garment.BLAZER):
        brush.shape(_COLLAR_BACK, darker(pose.cloth, 0.35))


def paint_garment(brush: Brush, pose: Pose, wide: float) -> None:
    """The garment over a torso `wide` times the usual width."""
    side = [(x * wide, y) for x, y in SIDE]
    match pose.garment:
        case Garment.SHIRT:
            _torso(brush, [*_OPEN, *side], pose.cloth, pose)
            _shirt(brush, pose.cloth)
        case Garment.TURTLENECK:
            _torso(brush, [*_CREW, *side], pose.cloth, pose)
            _roll(brush, pose.cloth)
        case Garment.HOODIE:
            _torso(brush, [*_CREW, *side], pose.cloth, pose)
            _hood(brush, pose.cloth)
        case Garment.BLAZER:
            # Under a jacket the cloth must not show at the shoulders and hips.
            narrow = [(x * 0.88, y + 0.10) for x, y in side]
            _torso(brush, [*_CREW, *narrow], pose.under, pose)
            _trim(brush, pose.under)
            paint_jacket(brush, pose, side)
        case Garment.TEE | Garment.SWEATER:
            _torso(brush, [*_CREW, *side], pose.cloth, pose)
            _trim(brush, pose.cloth)


def _torso(brush: Brush, right_side: list[Point], tone: Colour, pose: Pose) -> None:
    side, dark = pose.light.side, darker(tone, 0.5)
    lit, far = lighter(tone, 0.09), darker(tone, 0.16)
    left, right = (lit, far) if side < 0 else (far, lit)
    with brush.clip(mirrored(right_side), softly=True) as cloth:
        cloth.wash((left, right, darker(left, 0.2), darker(right, 0.2)))
        cloth.glow((0.0, 1.75), (1.0, 0.75), dark, 0.50)
        for wing in (-1, 1):
            half = cloth.at((0.0, 0.0), flip=wing)
            half.glow((1.72, 3.9), (0.5, 1.9), dark, 0.55)
            half.stroke(_CHEST_FOLD, 0.13, dark, 0.16, ends=(0.7, 0.1))
            half.stroke(_WAIST_FOLD, 0.12, dark, 0.16, ends=(0.8, 0.1))
        cloth.glow((0.85 * side, 2.75), (0.85, 0.75), lighter(tone, 0.4), 0.20)
        cloth.glow((1.85 * side, 2.40), (0.7, 0.4), pose.light.rim, 0.26)


def _trim(brush: Brush, tone: Colour) -> None:
    brush.stroke(TRIM, 0.10, darker(tone, 0.16))
    brush.stroke([(x, y + 0.055) for x, y in TRIM], 0.018, darker(tone, 0.4), 0.5)


def _roll(brush: Brush, tone: Colour) -> None:
    with brush.clip(_ROLL, softly=True) as knit:
        knit.wash((lighter(tone, 0.05), darker(tone, 0.12), darker(tone, 0.18), darker(tone, 0.25)))
        knit.glow((0.0, 1.38), (0.75, 0.42), darker(tone, 0.6), 0.6)
        for rib in range(-4, 5):
            line = [(rib * 0.12, 1.45), (rib * 0.135, 2.25)]
            knit.stroke(line, 0.02, darker(tone, 0.4), 0.35)
    brush.stroke(_ROLL_FOLD, 0.03, darker(tone, 0.4), 0.5, ends=(0.4, 0.4))


def _shirt(brush: Brush, tone: Colour) -> None:
    edge = darker(tone, 0.30)
    for side in (-1, 1):
        half = brush.at((0.0, 0.0), flip=side)
        half.at((0.03, 0.07)).shape(_COLLAR_LEAF, darker(tone, 0.5), 0.28)
        half.polygon(_COLLAR_LEAF, lighter(tone, 0.12 if side < 0 else 0.05))
        half.stroke(_COLLAR_LEAF[1:4], 0.018, edge, 0.4)
    brush.stroke([(0.10, 2.86), (0.11, 5.0), (0.10, 7.58)], 0.022, edge, 0.7)
    button = lighter(tone, 0.55) if luminance(tone) < 0.7 else darker(tone, 0.25)
    for index in range(6):
        y = 3.25 + 0.78 * index
        brush.oval((0.0, y + 0.012), (0.058, 0.058), darker(tone, 0.45), 0.5)
        brush.oval((0.0, y), (0.05, 0.05), button)


def _hood(brush: Brush, tone: Colour) -> None:
    _trim(brush, tone)
    for side in (-1, 1):
        half = brush.at((0.0, 0.0), flip=side)
        half.stroke(_HOOD_RIM, 0.34, darker(tone, 0.10 if side < 0 else 0.18), ends=(0.6, 0.8))
        seam = [(x, y + 0.16) for x, y in _HOOD_RIM]
        half.stroke(seam, 0.03, darker(tone, 0.5), 0.4, ends=(0.3, 0.8))
        half.stroke(_CORD, 0.055, lighter(tone, 0.65))
        half.stroke([(0.24, 3.75), (0.24, 3.91)], 0.075, darker(tone, 0.3))
    brush.stroke(_POUCH, 0.03, darker(tone, 0.4), 0.6)
