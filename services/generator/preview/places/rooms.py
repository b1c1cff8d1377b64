"""Rooms to live and linger in: a café, a living room, a library."""

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter
from services.generator.preview.drawing.curves import path
from services.generator.preview.places.greenery import paint_potted
from services.generator.preview.places.setting import Setting

_WARM: Colour = (255, 206, 134)
_FRAME: Colour = (250, 248, 244)
_CAFE_WALLS: tuple[Colour, ...] = ((150, 104, 80), (92, 112, 104), (176, 140, 112))
_JARS: tuple[Colour, ...] = (
    (232, 216, 190),
    (196, 120, 84),
    (112, 132, 112),
    (226, 180, 120),
    (90, 66, 60),
)
_HOME_WALLS: tuple[Colour, ...] = (
    (226, 214, 200),
    (196, 206, 200),
    (222, 200, 188),
    (204, 208, 220),
)
_ART: tuple[Colour, ...] = ((214, 122, 96), (88, 118, 138), (222, 176, 104))
_SOFAS: tuple[Colour, ...] = ((108, 132, 128), (190, 128, 104), (122, 124, 150))
_WOODS: tuple[Colour, ...] = ((98, 64, 46), (122, 86, 58), (74, 54, 48))
_SPINES: tuple[Colour, ...] = (
    (150, 62, 54),
    (62, 84, 104),
    (196, 160, 104),
    (76, 98, 78),
    (214, 202, 178),
    (110, 70, 88),
    (176, 104, 62),
)
_SOFA_BACK = path("0.02,-0.25 0.31,-0.27 0.6,-0.25 0.62,-0.02 0.62,0 0,0 0,-0.02")
_SOFA_SEAT = path(
    "-0.04,-0.13 0.04,-0.15 0.31,-0.12 0.58,-0.15 0.66,-0.13 0.66,0 0.66,0 -0.04,0 -0.04,0"
)
_HANGING_SHADE = path("-0.06,0.135 0,0.075 0.06,0.135 0,0.128")
_STANDING_SHADE = path("-0.05,0.3 0.05,0.3 0.09,0.42 -0.09,0.42")


def paint_cafe(place: Setting) -> None:
    """A warm room: a window, shelves of jars, hanging lamps."""
    brush, side, edge = place.brush, place.light.side, place.edge
    wall = place.dice.pick("wall", _CAFE_WALLS)
    place.wall(wall)
    window = -edge if side < 0 else edge * 0.42
    pane = lighter(place.light.sky_low, 0.25)
    brush.block((window, 0.08), (window + edge * 0.58, 0.62), pane)
    brush.block((window + edge * 0.28, 0.08), (window + edge * 0.30, 0.62), darker(wall, 0.45))
    brush.glow((window + edge * 0.3, 0.35), (0.5, 0.5), place.light.rim, 0.5)
    _jars(place, edge * 0.02 if side < 0 else -edge * 0.92, darker(wall, 0.55))
    place.ground((112, 78, 60), min(place.floor, 0.86))
    brush.soften(place.blur)
    for index, x in enumerate((-0.72, 0.0, 0.72)):
        sway = place.dice.between(f"lamp{index}", -0.04, 0.04)
        _hanging_lamp(brush.at((edge * x + sway, 0.0)))
    paint_potted(brush, (-edge * 0.86 * side, 0.80), 0.20)
    place.bokeh((_WARM, (255, 172, 110)), 9, 0.10, 0.5)
    brush.soften(place.blur * 0.45)


def _jars(place: Setting, left: float, shelf: Colour) -> None:
    wide, dice = place.edge * 0.9, place.dice
    for row in range(3):
        y = 0.26 + row * 0.16
        place.brush.block((left, y), (left + wide, y + 0.016), shelf)
        for index in range(9):
            x = left + wide * (index + 0.4) / 9
            high = dice.between(f"jar{row}/{index}", 0.04, 0.10)
            tone = dice.pick(f"jar{row}/{index} colour", _JARS)
            place.brush.block((x, y - high), (x + wide * 0.067, y), tone)


def _hanging_lamp(brush: Brush) -> None:
    brush.stroke([(0.0, -0.02), (0.0, 0.10)], 0.005, (40, 30, 28))
    brush.glow((0.0, 0.14), (0.20, 0.20), _WARM, 0.65)
    brush.oval((0.0, 0.135), (0.034, 0.034), (255, 244, 214))
    brush.shape(_HANGING_SHADE, (46, 40, 42))


def paint_home(place: Setting) -> None:
    """A living room: a curtained window, a picture, a sofa, a plant."""
    brush, dice, side, edge = place.brush, place.dice, place.light.side, place.edge
    wall = dice.pick("wall", _HOME_WALLS)
    place.wall(wall)
    pane = lighter(place.light.sky_low, 0.3)
    _window(brush.at((edge * 0.62 * side, 0.0)), pane, place.light.rim, wall)
    art, picture = dice.pick("art", _ART), brush.at((-edge * 0.58 * side, 0.0))
    picture.block((-0.13, 0.12), (0.13, 0.46), _FRAME)
    picture.oval((-0.02, 0.30), (0.07, 0.085), art)
    picture.oval((0.035, 0.25), (0.045, 0.045), darker(art, 0.3), 0.7)
    place.ground((176, 140, 108), min(place.floor, 0.97))
    brush.soften(place.blur)
    sofa, base = dice.pick("sofa", _SOFAS), min(place.floor, 0.95) + 0.06
    seat = brush.at((-edge * 0.58 * side - 0.31, base))
    seat.shape(_SOFA_BACK, sofa)
    seat.shape(_SOFA_SEAT, lighter(sofa, 0.12))
    paint_potted(brush, (-edge * 0.93 * side, base), 0.30)
    brush.soften(place.blur * 0.45)


def _window(brush: Brush, pane: Colour, shine: Colour, wall: Colour) -> None:
    brush.block((-0.22, 0.06), (0.22, 0.66), _FRAME)
    brush.block((-0.205, 0.075), (0.205, 0.645), pane)
    brush.block((-0.008, 0.06), (0.008, 0.66), _FRAME)
    brush.glow((0.0, 0.34), (0.6, 0.6), shine, 0.45)
    for end in (-0.30, 0.30):
        brush.block((end - 0.07, 0.03), (end + 0.07, 0.86), lighter(wall, 0.35), 0.92)
        brush.block((end - 0.02, 0.03), (end, 0.86), darker(wall, 0.12), 0.5)


def paint_library(place: Setting) -> None:
    """Shelves of books up to the ceiling, and a reading lamp."""
    brush, base = place.brush, min(place.floor, 1.02)
    wood = place.dice.pick("wood", _WOODS)
    place.wall(darker(wood, 0.45))
    for row in range(6):
        low = 0.02 + (base - 0.02) * (row + 1) / 6
        _books(place, row, low)
        brush.block((-place.edge, low), (place.edge, low + 0.018), lighter(wood, 0.05))
    for column in range(4):
        x = place.edge * (2 * column / 3 - 1)
        brush.block((x - 0.015, 0.0), (x + 0.015, base), wood)
    place.ground((104, 72, 56), base)
    brush.soften(place.blur)
    lamp = brush.at((place.edge * 0.8 * place.light.side, 0.0))
    lamp.glow((0.0, 0.38), (0.55, 0.55), _WARM, 0.55)
    lamp.shape(_STANDING_SHADE, (255, 232, 184))
    lamp.stroke([(0.0, 0.42), (0.0, 1.0)], 0.012, (62, 46, 40))
    place.bokeh((_WARM,), 5, 0.08, 0.4)
    brush.soften(place.blur * 0.45)


def _books(place: Setting, row: int, low: float) -> None:
    dice, x, index = place.dice, -place.edge, 0
    while x < place.edge:
        wide = dice.between(f"book{row}/{index} width", 0.014, 0.034)
        top = low - dice.between(f"book{row}/{index} height", 0.085, 0.135)
        if not dice.chance(f"book{row}/{index} is out", 0.07):
            tone = darker(dice.pick(f"book{row}/{index} colour", _SPINES), 0.10)
            place.brush.block((x, top), (x + wide * 0.92, low), tone)
            band = (x + wide * 0.92, top + 0.026)
            place.brush.block((x, top + 0.018), band, lighter(tone, 0.35), 0.7)
        x, index = x + wide, index + 1
