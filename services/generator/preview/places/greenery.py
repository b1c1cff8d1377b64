"""Plants: in pots, along streets, on beaches."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter
from services.generator.preview.drawing.curves import Point, path
from services.generator.preview.drawing.dice import Dice

LEAF: Colour = (86, 126, 88)
_POT = path("-0.22,-0.35 0.22,-0.35 0.16,0 -0.16,0")
_FIR = path("-0.2,0 0,-1 0.2,0")
_FIR_TOP = path("-0.15,-0.4 0,-1.02 0.15,-0.4")


def paint_potted(brush: Brush, foot: Point, size: float, leaf: Colour = LEAF) -> None:
    """A potted plant with long leaves, `size` high without the tips."""
    plant = brush.at(foot, size=size)
    for index in range(9):
        spread = (index - 4) / 4
        tip = (spread * 0.62, 0.45 * abs(spread) - 1.25)
        tone = lighter(leaf, 0.18) if index % 2 else darker(leaf, 0.12)
        plant.stroke([(0.0, -0.33), (spread * 0.30, -0.95), tip], 0.16, tone, ends=(0.4, 0.05))
    plant.polygon(_POT, (196, 124, 92))


def paint_palm(brush: Brush, foot: Point, size: float, leaf: Colour = LEAF) -> None:
    """A palm tree that leans a little."""
    palm = brush.at(foot, size=size)
    palm.stroke(path("0,0 0.02,-0.5 0.12,-1"), 0.06, (112, 84, 66), ends=(1.0, 0.6))
    crown = palm.at((0.12, -1.0))
    for index in range(7):
        spread = (index - 3) / 3
        tip = (spread * 0.52, 0.34 * spread * spread - 0.10)
        tone = lighter(leaf, 0.14) if index % 2 else darker(leaf, 0.1)
        crown.stroke([(0.0, 0.0), (spread * 0.28, -0.14), tip], 0.085, tone, ends=(0.4, 0.05))


def paint_fir(brush: Brush, foot: Point, size: float, tone: Colour) -> None:
    """A fir tree."""
    fir = brush.at(foot, size=size)
    fir.polygon(_FIR, tone)
    fir.polygon(_FIR_TOP, lighter(tone, 0.08))


def paint_street_tree(brush: Brush, foot: Point, size: float, dice: Dice, *, lit: bool) -> None:
    """A round tree on a trunk, its crown about `size` wide."""
    tree = brush.at(foot, size=size)
    tree.stroke([(0.0, -1.9), (0.0, 0.0)], 0.085, (82, 62, 54))
    for puff in range(5):
        x = dice.between(f"puff {foot} {puff} x", -0.7, 0.7)
        y = dice.between(f"puff {foot} {puff} y", -0.5, 0.5) - 1.9
        tone = lighter(LEAF, 0.04 * puff) if lit else darker(LEAF, 0.2 - 0.03 * puff)
        tree.oval((x, y), (0.62, 0.55), tone)
