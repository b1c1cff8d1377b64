"""A blazer, worn open over something plain."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import darker, lighter
from services.generator.preview.drawing.curves import Point, path
from services.generator.preview.pose import Pose

_LAPEL = path("0.5,1.62 0.78,1.86 1.1,2.72 0.86,2.86 1.02,3.12 0.12,5.15 0.34,3.4 0.46,2.3")
_NOTCH = path("1.1,2.72 0.86,2.86 0.86,2.86 1.02,3.12")
_OPENING = path("0.75,7.75 0.3,7.3 0.1,5.2 0.42,3.4")


def paint_jacket(brush: Brush, pose: Pose, side: list[Point]) -> None:
    """Both fronts of the jacket; `side` is the line of the torso from shoulder to hem."""
    for wing in (-1, 1):
        _front(brush.at((0.0, 0.0), flip=wing), pose, side)
    brush.oval((0.16, 5.55), (0.07, 0.07), darker(pose.cloth, 0.6))


def _front(brush: Brush, pose: Pose, side: list[Point]) -> None:
    lit = brush.frame.flip == pose.light.side
    tone = lighter(pose.cloth, 0.09) if lit else darker(pose.cloth, 0.16)
    with brush.clip([(0.56, 1.74), *side[:-1], *_OPENING], softly=True) as cloth:
        cloth.wash((lighter(tone, 0.04),) * 2 + (darker(tone, 0.22),) * 2)
        cloth.glow((1.75, 4.0), (0.55, 1.9), darker(tone, 0.55), 0.6)
        if lit:
            cloth.glow((1.85, 2.40), (0.7, 0.4), pose.light.rim, 0.26)
    brush.at((0.04, 0.06)).polygon(_LAPEL, darker(tone, 0.6), 0.45)
    brush.polygon(_LAPEL, lighter(tone, 0.08))
    brush.stroke(_NOTCH, 0.022, darker(tone, 0.5), 0.7)
