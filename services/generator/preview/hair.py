"""Hair: masses with light and strands, behind the shoulders and over the forehead."""

from collections.abc import Sequence

from services.generator.preview.brush import Brush, oval_points
from services.generator.preview.colour import Colour, darker, lighter, mix
from services.generator.preview.curves import Point, closed_curve, flipped
from services.generator.preview.dice import Dice
from services.generator.preview.features import Features
from services.generator.preview.hair_styles import CUTS
from services.generator.preview.light import Light
from services.generator.preview.lock import Lock

_STRANDS = 11


def paint_back_hair(brush: Brush, face: Features, light: Light) -> None:
    """What hangs behind neck and shoulders."""
    for lock in CUTS[face.hair].back:
        _paint(brush, lock, face, light, darker(face.hair_colour, 0.30))


def paint_front_hair(brush: Brush, face: Features, light: Light) -> None:
    """What frames the face and falls over the shoulders."""
    for lock in CUTS[face.hair].front:
        _paint(brush, lock, face, light, face.hair_colour)


def _paint(brush: Brush, lock: Lock, face: Features, light: Light, tone: Colour) -> None:
    outline = flipped(lock.outline, face.parting)
    if lock.curl:
        _curls(brush, outline, lock.curl, tone)
    with brush.clip(outline, softly=True) as hair:
        lit, far = lighter(tone, 0.10), darker(tone, 0.22)
        top = (lit, far) if light.side < 0 else (far, lit)
        hair.wash((*top, darker(top[0], 0.22), darker(top[1], 0.22)))
        first, second = (flipped(guide, face.parting) for guide in lock.guides)
        if lock.curl:
            _ringlets(hair, outline, lock.curl, tone)
        else:
            _strands(hair, first, second, tone)
        _shine(hair, light, tone)
    if lock.curl:
        _curls(brush, [(x * 0.97, y * 0.97) for x, y in outline][::2], lock.curl * 0.55, lighter(tone, 0.05))


def _strands(brush: Brush, first: Sequence[Point], second: Sequence[Point], tone: Colour) -> None:
    for index in range(_STRANDS):
        share = (index + 0.5) / _STRANDS
        line = [(a + (c - a) * share, b + (d - b) * share) for (a, b), (c, d) in zip(first, second, strict=True)]
        colour = lighter(tone, 0.22) if index % 3 == 1 else darker(tone, 0.38)
        brush.stroke(line, 0.07 if index % 2 else 0.035, colour, 0.22, ends=(0.1, 0.1))


def _shine(brush: Brush, light: Light, tone: Colour) -> None:
    gloss = mix(lighter(tone, 0.45), light.rim, 0.35)
    brush.glow((0.62 * light.side, -1.12), (0.55, 0.30), gloss, 0.45)
    brush.glow((1.22 * light.side, -0.5), (0.26, 0.95), light.rim, 0.40)
    brush.glow((1.30 * light.side, 1.1), (0.24, 1.0), light.rim, 0.28)


def _curls(brush: Brush, outline: Sequence[Point], size: float, tone: Colour) -> None:
    rim = closed_curve(outline)
    dice = Dice(f"curls/{len(rim)}/{size}")
    for index, (x, y) in enumerate(rim[:: max(1, len(rim) // 34)]):
        radius = size * dice.between(f"size{index}", 0.8, 1.15)
        shade = mix(darker(tone, 0.16), lighter(tone, 0.06), dice.unit(f"shade{index}"))
        brush.oval((x, y), (radius, radius), shade)
        arc = oval_points((x, y), (radius * 0.6, radius * 0.6))
        brush.stroke(arc[len(arc) // 2 : -2 : 3], radius * 0.2, lighter(shade, 0.14), 0.5, ends=(0.1, 0.1))


def _ringlets(brush: Brush, outline: Sequence[Point], size: float, tone: Colour) -> None:
    dice = Dice(f"ringlets/{len(outline)}/{size}")
    wide, top, low = max(x for x, _ in outline), min(y for _, y in outline), max(y for _, y in outline)
    for index in range(90):
        x, y = dice.between(f"x{index}", -wide, wide), dice.between(f"y{index}", top, low)
        radius = size * dice.between(f"size{index}", 0.5, 0.9)
        shade = mix(darker(tone, 0.30), lighter(tone, 0.20), dice.unit(f"shade{index}"))
        arc = oval_points((x, y), (radius, radius))
        first = int(dice.between(f"turn{index}", 0, len(arc) // 2))
        brush.stroke(arc[first : first + len(arc) // 2 : 4], radius * 0.5, shade, 0.55, ends=(0.1, 0.1))
