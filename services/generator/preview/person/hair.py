"""Hair: masses with light and strands, behind the shoulders and over the forehead."""

from collections.abc import Sequence

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter, mix
from services.generator.preview.drawing.curves import Point, closed_curve, oval
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.light import Light
from services.generator.preview.person.features import Features
from services.generator.preview.person.hair_styles import CUTS
from services.generator.preview.person.lock import Lock

_STRANDS = 11
_RINGLETS = 90


def paint_back_hair(brush: Brush, face: Features, light: Light) -> None:
    """What hangs behind neck and shoulders."""
    parted = brush.at((0.0, 0.0), flip=face.parting)
    for lock in CUTS[face.hair].back:
        _paint(parted, lock, light, darker(face.hair_colour, 0.30))


def paint_front_hair(brush: Brush, face: Features, light: Light) -> None:
    """What frames the face and falls over the shoulders."""
    parted = brush.at((0.0, 0.0), flip=face.parting)
    for lock in CUTS[face.hair].front:
        _paint(parted, lock, light, face.hair_colour)


def _paint(brush: Brush, lock: Lock, light: Light, tone: Colour) -> None:
    if lock.curl:
        _curls(brush, lock.outline, lock.curl, tone)
    with brush.clip(lock.outline, softly=True) as hair:
        lit, far = lighter(tone, 0.10), darker(tone, 0.22)
        left, right = (lit, far) if light.side < 0 else (far, lit)
        hair.wash((left, right, darker(left, 0.22), darker(right, 0.22)))
        if lock.curl:
            _ringlets(hair, lock, tone)
        else:
            _strands(hair, lock, tone)
        _shine(hair.at((0.0, 0.0), flip=light.side * brush.frame.flip), light, tone)
    if lock.curl:
        inner = [(x * 0.97, y * 0.97) for x, y in lock.outline][::2]
        _curls(brush, inner, lock.curl * 0.55, lighter(tone, 0.05))


def _strands(brush: Brush, lock: Lock, tone: Colour) -> None:
    for index in range(_STRANDS):
        share = (index + 0.5) / _STRANDS
        pairs = zip(*lock.guides, strict=True)
        line = [(a + (c - a) * share, b + (d - b) * share) for (a, b), (c, d) in pairs]
        colour = lighter(tone, 0.22) if index % 3 == 1 else darker(tone, 0.38)
        brush.stroke(line, 0.07 if index % 2 else 0.035, colour, 0.22, ends=(0.1, 0.1))


def _shine(brush: Brush, light: Light, tone: Colour) -> None:
    """Gloss on the crown and a bright rim; x grows towards the light."""
    gloss = mix(lighter(tone, 0.45), light.rim, 0.35)
    brush.glow((0.62, -1.12), (0.55, 0.30), gloss, 0.45)
    brush.glow((1.22, -0.5), (0.26, 0.95), light.rim, 0.40)
    brush.glow((1.30, 1.1), (0.24, 1.0), light.rim, 0.28)


def _curls(brush: Brush, outline: Sequence[Point], size: float, tone: Colour) -> None:
    rim = closed_curve(outline)
    dice = Dice(f"curls/{len(rim)}/{size}")
    for index, (x, y) in enumerate(rim[:: max(1, len(rim) // 34)]):
        radius = size * dice.between(f"size{index}", 0.8, 1.15)
        shade = mix(darker(tone, 0.16), lighter(tone, 0.06), dice.unit(f"shade{index}"))
        brush.oval((x, y), (radius, radius), shade)
        arc = oval((x, y), (radius * 0.6, radius * 0.6))
        gleam = arc[len(arc) // 2 : -2 : 3]
        brush.stroke(gleam, radius * 0.2, lighter(shade, 0.14), 0.5, ends=(0.1, 0.1))


def _ringlets(brush: Brush, lock: Lock, tone: Colour) -> None:
    dice = Dice(f"ringlets/{len(lock.outline)}/{lock.curl}")
    wide = max(x for x, _ in lock.outline)
    top, low = min(y for _, y in lock.outline), max(y for _, y in lock.outline)
    for index in range(_RINGLETS):
        centre = (dice.between(f"x{index}", -wide, wide), dice.between(f"y{index}", top, low))
        radius = lock.curl * dice.between(f"size{index}", 0.5, 0.9)
        shade = mix(darker(tone, 0.30), lighter(tone, 0.20), dice.unit(f"shade{index}"))
        arc = oval(centre, (radius, radius))
        first = int(dice.between(f"turn{index}", 0, len(arc) // 2))
        bow = arc[first : first + len(arc) // 2 : 4]
        brush.stroke(bow, radius * 0.5, shade, 0.55, ends=(0.1, 0.1))
