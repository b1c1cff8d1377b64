"""Hair: masses with light and strands, behind the shoulders and over the forehead."""

from math import atan2

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter, mix
from services.generator.preview.drawing.curves import path, scalloped
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.light import Light
from services.generator.preview.person.features import Features
from services.generator.preview.person.hair_styles import CUTS
from services.generator.preview.person.lock import Lock

_STRANDS = 11
_CRESCENTS = 80
_BOW = path("-1,0.5 -0.75,-0.35 0,-0.7 0.75,-0.35 1,0.5")


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
    outline = scalloped(lock.outline, lock.curl) if lock.curl else lock.outline
    with brush.clip(outline, softly=True) as hair:
        lit, far = lighter(tone, 0.10), darker(tone, 0.22)
        left, right = (lit, far) if light.side < 0 else (far, lit)
        hair.wash((left, right, darker(left, 0.22), darker(right, 0.22)))
        if lock.curl:
            _crescents(hair, lock, tone)
        else:
            _strands(hair, lock, tone)
        _shine(hair.at((0.0, 0.0), flip=light.side * brush.frame.flip), light, tone)


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


def _crescents(brush: Brush, lock: Lock, tone: Colour) -> None:
    """The bows of curls, each bulging away from the middle of the face."""
    dice = Dice(f"crescents/{len(lock.outline)}/{lock.curl}")
    wide = max(x for x, _ in lock.outline)
    top, low = min(y for _, y in lock.outline), max(y for _, y in lock.outline)
    for index in range(_CRESCENTS):
        x = dice.between(f"x{index}", -wide, wide)
        y = dice.between(f"y{index}", top, low)
        size = lock.curl * dice.between(f"size{index}", 0.8, 1.3)
        curl = brush.at((x, y), size=size).turned_about((0.0, 0.0), atan2(x, -0.2 - y))
        curl.stroke(_BOW, 0.34, darker(tone, 0.42), 0.42, ends=(0.1, 0.1))
        curl.at((0.0, 0.30)).stroke(_BOW, 0.30, lighter(tone, 0.24), 0.30, ends=(0.1, 0.1))
