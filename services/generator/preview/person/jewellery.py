"""Earrings."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour
from services.generator.preview.drawing.curves import oval, path
from services.generator.preview.person.features import Earrings, Features

_GOLD: Colour = (226, 184, 104)
_SHINE: Colour = (255, 246, 220)
_DROP = path("0,0.52 0.06,0.66 0,0.72 -0.06,0.66")


def paint_earrings(brush: Brush, face: Features) -> None:
    """What hangs from both ears, in the head's frame."""
    for side in (-1, 1):
        ear = brush.at((1.04 * side, 0.0))
        if face.earrings is Earrings.STUDS:
            ear.oval((0.0, 0.42), (0.05, 0.05), _GOLD)
            ear.oval((-0.012, 0.408), (0.018, 0.018), _SHINE)
        elif face.earrings is Earrings.HOOPS:
            ring = oval((0.0, 0.54), (0.13, 0.15))
            ear.stroke([*ring, ring[0]], 0.035, _GOLD)
        elif face.earrings is Earrings.DROPS:
            ear.stroke([(0.0, 0.40), (0.0, 0.56)], 0.022, _GOLD)
            ear.shape(_DROP, _GOLD)
