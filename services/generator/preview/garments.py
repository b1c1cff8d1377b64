"""What is worn above the waist: the cloth, its neckline and its details."""

from services.generator.preview.brush import Brush
from services.generator.preview.colour import Colour, darker, lighter, luminance
from services.generator.preview.curves import Point, flipped, mirrored
from services.generator.preview.pose import Garment, Pose

_CREW: tuple[Point, ...] = ((0.0, 2.26), (0.34, 2.16), (0.56, 1.82))
_OPEN: tuple[Point, ...] = ((0.0, 2.86), (0.0, 2.86), (0.32, 2.32), (0.54, 1.78))
_NECKLINES: dict[Garment, tuple[Point, ...]] = {
    Garment.TEE: _CREW,
    Garment.SWEATER: _CREW,
    Garment.TURTLENECK: _CREW,
    Garment.SHIRT: _OPEN,
    Garment.BLAZER: _CREW,
    Garment.HOODIE: _CREW,
}
_SIDE: tuple[Point, ...] = (
    (1.15, 2.04),
    (1.68, 2.24),
    (1.94, 2.56),
    (1.86, 3.1),
    (1.62, 3.9),
    (1.46, 5.3),
    (1.64, 6.6),
    (1.70, 7.5),
    (1.70, 7.55),
    (0.0, 7.62),
)


def paint_behind_neck(brush: Brush, pose: Pose) -> None:
    """What a garment shows behind the neck: a hood, or the back of a collar."""
    if pose.garment is Garment.HOODIE:
        hood = mirrored([(0.0, 1.05), (0.62, 1.15), (0.98, 1.6), (1.22, 2.2), (0.0, 2.6)])
        brush.shape(hood, darker(pose.cloth, 0.35))
    elif pose.garment in (Garment.SHIRT, Garment.BLAZER):
        collar = mirrored([(0.0, 1.5), (0.50, 1.52), (0.72, 1.95), (0.0, 2.3)])
        brush.shape(collar, darker(pose.cloth, 0.35))


def paint_garment(brush: Brush, pose: Pose, wide: float) -> None:
    """The garment over a torso `wide` times the usual width."""
    blazer = pose.garment is Garment.BLAZER
    tone = pose.under if blazer else pose.cloth
    # Under a jacket the cloth must not show at the shoulders and hips.
    narrow, low = (0.88, 0.10) if blazer else (1.0, 0.0)
    side = [(x * wide * narrow, y + low) for x, y in _SIDE]
    _torso(brush, [*_NECKLINES[pose.garment], *side], tone, pose)
    match pose.garment:
        case Garment.SHIRT:
            _shirt(brush, tone)
        case Garment.TURTLENECK:
            _turtleneck(brush, tone)
        case Garment.HOODIE:
            _trim(brush, tone)
            _hoodie(brush, tone)
        case Garment.BLAZER:
            _trim(brush, tone)
            for side in (-1, 1):
                _jacket(brush, pose, wide, side)
        case Garment.TEE | Garment.SWEATER:
            _trim(brush, tone)


def _torso(brush: Brush, right_side: list[Point], tone: Colour, pose: Pose) -> None:
    side, dark = pose.light.side, darker(tone, 0.5)
    # The neckline's corner is doubled; mirrored() must not see it twice as a middle point.
    with brush.clip(mirrored(right_side), softly=True) as cloth:
        lit, far = lighter(tone, 0.09), darker(tone, 0.16)
        top = (lit, far) if side < 0 else (far, lit)
        cloth.wash((*top, darker(top[0], 0.2), darker(top[1], 0.2)))
        cloth.glow((0.0, 1.75), (1.0, 0.75), dark, 0.50)
        for wing in (-1, 1):
            cloth.glow((1.72 * wing, 3.9), (0.5, 1.9), dark, 0.55)
            cloth.stroke(flipped([(1.55, 3.2), (1.05, 3.75), (0.6, 3.95)], wing), 0.13, dark, 0.16, ends=(0.7, 0.1))
            cloth.stroke(flipped([(1.42, 5.6), (0.9, 5.25), (0.4, 5.3)], wing), 0.12, dark, 0.16, ends=(0.8, 0.1))
        cloth.glow((0.85 * side, 2.75), (0.85, 0.75), lighter(tone, 0.4), 0.20)
        cloth.glow((1.85 * side, 2.40), (0.7, 0.4), pose.light.rim, 0.26)


def _trim(brush: Brush, tone: Colour) -> None:
    line = [(x, y + 0.045) for x, y in mirrored(list(reversed(_CREW)))]
    half = len(_CREW)
    brush.stroke([*line[:half], *line[half:][::-1][::-1]], 0.10, darker(tone, 0.16))
    brush.stroke([(x, y + 0.055) for x, y in line], 0.018, darker(tone, 0.4), 0.5)


def _turtleneck(brush: Brush, tone: Colour) -> None:
    collar = mirrored([(0.0, 1.56), (0.40, 1.50), (0.51, 1.44), (0.53, 1.75), (0.64, 1.98), (0.34, 2.2), (0.0, 2.26)])
    with brush.clip(collar, softly=True) as knit:
        knit.wash((lighter(tone, 0.05), darker(tone, 0.12), darker(tone, 0.18), darker(tone, 0.25)))
        knit.glow((0.0, 1.38), (0.75, 0.42), darker(tone, 0.6), 0.6)
        for index in range(-4, 5):
            knit.stroke([(index * 0.12, 1.45), (index * 0.135, 2.25)], 0.02, darker(tone, 0.4), 0.35)
    fold = [(-0.56, 1.86), (-0.3, 2.02), (0.0, 2.07), (0.3, 2.02), (0.56, 1.86)]
    brush.stroke(fold, 0.03, darker(tone, 0.4), 0.5, ends=(0.4, 0.4))


def _shirt(brush: Brush, tone: Colour) -> None:
    edge = darker(tone, 0.30)
    for side in (-1, 1):
        leaf = [(0.46, 1.50), (0.66, 1.76), (0.72, 2.36), (0.28, 2.62), (0.10, 2.80), (0.36, 2.2)]
        brush.shape(flipped([(x + 0.03, y + 0.07) for x, y in leaf], side), darker(tone, 0.5), 0.28)
        brush.polygon(flipped(leaf, side), lighter(tone, 0.12 if side < 0 else 0.05))
        brush.stroke(flipped([leaf[1], leaf[2], leaf[2], leaf[3]], side), 0.018, edge, 0.6)
    brush.stroke([(0.10, 2.86), (0.11, 5.0), (0.10, 7.58)], 0.022, edge, 0.7)
    for index in range(6):
        y = 3.25 + 0.78 * index
        brush.oval((0.0, y + 0.012), (0.058, 0.058), darker(tone, 0.45), 0.5)
        brush.oval((0.0, y), (0.05, 0.05), lighter(tone, 0.55) if luminance(tone) < 0.7 else darker(tone, 0.25))


def _hoodie(brush: Brush, tone: Colour) -> None:
    for side in (-1, 1):
        rim = flipped([(0.62, 1.42), (0.86, 1.78), (0.78, 2.2), (0.32, 2.52), (0.02, 2.60)], side)
        brush.stroke(rim, 0.34, darker(tone, 0.10 if side < 0 else 0.18), ends=(0.6, 0.8))
        brush.stroke([(x, y + 0.16) for x, y in rim], 0.03, darker(tone, 0.5), 0.4, ends=(0.3, 0.8))
        cord = flipped([(0.26, 2.55), (0.30, 3.1), (0.24, 3.75)], side)
        brush.stroke(cord, 0.055, lighter(tone, 0.65))
        brush.stroke([cord[-1], (cord[-1][0], cord[-1][1] + 0.16)], 0.075, darker(tone, 0.3))
    pocket = [(-0.95, 6.9), (-0.62, 5.75), (0.62, 5.75), (0.95, 6.9)]
    brush.stroke(pocket, 0.03, darker(tone, 0.4), 0.6)


def _jacket(brush: Brush, pose: Pose, wide: float, side: int) -> None:
    tone = lighter(pose.cloth, 0.05) if side == pose.light.side else darker(pose.cloth, 0.10)
    front = [(0.56, 1.74), *((x * wide, y) for x, y in _SIDE[:-1]), (0.75, 7.75), (0.30, 7.3), (0.10, 5.2), (0.42, 3.4)]
    with brush.clip(flipped(front, side), softly=True) as cloth:
        cloth.wash((lighter(tone, 0.04),) * 2 + (darker(tone, 0.22),) * 2)
        cloth.glow((1.75 * side, 4.0), (0.55, 1.9), darker(tone, 0.55), 0.6)
        cloth.glow((1.85 * pose.light.side, 2.40), (0.7, 0.4), pose.light.rim, 0.26)
    lapel = [(0.50, 1.62), (0.78, 1.86), (1.10, 2.72), (0.86, 2.86), (1.02, 3.12), (0.12, 5.15), (0.34, 3.4), (0.46, 2.3)]
    brush.polygon(flipped([(x + 0.04, y + 0.06) for x, y in lapel], side), darker(tone, 0.6), 0.45)
    brush.polygon(flipped(lapel, side), lighter(tone, 0.08))
    brush.stroke(flipped([lapel[2], lapel[3], lapel[3], lapel[4]], side), 0.022, darker(tone, 0.5), 0.7)
    if side > 0:
        brush.oval((0.16, 5.55), (0.07, 0.07), darker(tone, 0.6))
