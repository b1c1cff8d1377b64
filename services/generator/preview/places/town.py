"""In town: a street by day, the city at night, a rooftop."""

from services.generator.preview.drawing.colour import Colour, darker, lighter, mix
from services.generator.preview.light import Hour
from services.generator.preview.places.greenery import LEAF, paint_potted, paint_street_tree
from services.generator.preview.places.setting import Setting

_FRONTS: tuple[Colour, ...] = (
    (206, 160, 128),
    (222, 204, 178),
    (184, 124, 104),
    (160, 168, 168),
    (214, 186, 150),
)
_LAMPS: tuple[Colour, ...] = (
    (255, 196, 120),
    (255, 142, 120),
    (140, 190, 255),
    (255, 230, 170),
    (220, 140, 230),
)
_NIGHT_GLASS: tuple[Colour, ...] = (
    (255, 206, 132),
    (70, 78, 116),
    (60, 66, 104),
    (255, 226, 170),
    (56, 60, 96),
    (120, 150, 200),
)
_NEONS: tuple[Colour, ...] = ((255, 92, 150), (80, 220, 230), (255, 160, 80))
_BULB: Colour = (255, 206, 130)


def paint_street(place: Setting) -> None:
    """House fronts left and right, trees, a road that runs to the horizon."""
    brush, line, edge = place.brush, place.horizon, place.edge
    place.sky()
    road = mix((150, 146, 146), place.light.sky_low, 0.2)
    place.ground(lighter(road, 0.12), line)
    for side in (-1, 1):
        for row in range(3):
            _house_front(place, side, row)
    right = [(0.05, line), (edge * 1.3, 1.05)]
    brush.polygon([(-0.05, line), *right, (-edge * 1.3, 1.05)], road)
    kerb = [(-0.05, line), (-0.02, line), (-edge * 0.7, 1.05), (-edge * 1.3, 1.05)]
    brush.polygon(kerb, lighter(road, 0.2))
    brush.soften(place.blur)
    for side in (-1, 1):
        lit = side == place.light.side
        for row, size in ((1, 0.115), (0, 0.17)):
            foot = (edge * (0.78 - row * 0.38) * side, line + 0.16 - row * 0.09)
            paint_street_tree(brush, foot, size, place.dice, lit=lit)
    brush.glow((0.25 * place.light.side, line - 0.05), (0.45, 0.35), place.light.rim, 0.45)
    brush.soften(place.blur * 0.6)


def _house_front(place: Setting, side: int, row: int) -> None:
    """One house on one side of the street; row 0 is the nearest. x grows outwards."""
    brush, line = place.brush.at((0.0, 0.0), flip=side), place.horizon
    near, far = place.edge * (1.02 - row * 0.27), place.edge * (0.75 - row * 0.27)
    tall, low = line - 0.62 + row * 0.15, line - 0.47 + row * 0.15
    front = place.dice.pick(f"front {side} {row}", _FRONTS)
    tone = darker(front, 0.05 if side == place.light.side else 0.28)
    wall = [(near, tall), (far, low), (far, line + 0.06), (near, 1.0 - row * 0.22)]
    brush.polygon(wall, mix(tone, place.light.sky_low, 0.12 * row))
    glass = mix(place.light.sky_high, (250, 236, 206), 0.4)
    for floor in range(3):
        y = low + 0.10 + floor * 0.14
        for share in (0.26, 0.74):
            x = near + (far - near) * share
            pane = darker(glass, 0.25 if floor else 0.1)
            brush.block((x - 0.022, y), (x + 0.022, y + 0.08), pane)


def paint_city_night(place: Setting) -> None:
    """Lit windows, neon, lights out of focus."""
    brush, edge = place.brush, place.edge
    place.sky()
    for layer in range(2):
        haze = mix((34, 36, 70), place.light.sky_low, 0.35 - 0.25 * layer)
        x, index = -edge - 0.05, 0
        while x < edge:
            wide = place.dice.between(f"width {layer} {index}", 0.11, 0.20)
            rise = place.dice.between(f"rise {layer} {index}", 0.08, 0.36) - layer * 0.12
            place.tower(x, wide * 0.96, place.horizon - rise, haze, _NIGHT_GLASS)
            x, index = x + wide, index + 1
    brush.glow((0.0, place.horizon + 0.2), (edge * 1.5, 0.35), (232, 120, 120), 0.30)
    place.ground((38, 36, 58), max(place.floor, 0.74))
    brush.soften(place.blur * 1.1)
    _neon(place)
    place.bokeh(_LAMPS, 30, 0.34, 0.86)
    for index in range(10 if place.floor < 1 else 0):
        gleam = place.dice.pick(f"puddle{index} colour", _LAMPS)
        brush.glow(place.somewhere(f"puddle{index}", 0.8, 0.98), (0.09, 0.02), gleam, 0.5)
    brush.soften(place.blur * 0.3)


def _neon(place: Setting) -> None:
    colour = place.dice.pick("neon", _NEONS)
    sign = place.brush.at((place.edge * 0.72 * place.light.side, 0.36))
    sign.stroke([(-0.10, -0.02), (0.10, -0.02)], 0.014, lighter(colour, 0.4))
    sign.stroke([(-0.10, 0.03), (0.05, 0.03)], 0.014, lighter(colour, 0.4))
    sign.glow((0.0, 0.0), (0.26, 0.18), colour, 0.6)


def paint_rooftop(place: Setting) -> None:
    """A terrace above the town: skyline, string lights, planters."""
    brush, line, edge = place.brush, place.horizon, place.edge
    place.sky()
    lit = place.light.hour in (Hour.DUSK, Hour.NIGHT)
    _skyline(place, lit=lit)
    brush.glow((edge * 0.5 * place.light.side, line), (0.55, 0.35), place.light.rim, 0.5)
    brush.soften(place.blur * 1.2)
    brush.block((-edge, line + 0.16), (edge, line + 0.19), (206, 190, 176))
    brush.block((-edge, line + 0.19), (edge, 1.05), (158, 140, 132))
    place.ground((172, 138, 112), max(place.floor, line + 0.22))
    for end in (-0.84, 0.84):
        paint_potted(brush, (edge * end, line + 0.30), 0.24, darker(LEAF, 0.1))
    for strand in (0.05, 0.13):
        for index in range(13):
            share = index / 12
            bulb = (edge * (2 * share - 1), strand + 0.30 * share * (1 - share))
            brush.glow(bulb, (0.035, 0.035), _BULB, 0.7 if lit else 0.4)
            brush.oval(bulb, (0.011, 0.011), (255, 244, 212))
    brush.soften(place.blur * 0.45)


def _skyline(place: Setting, *, lit: bool) -> None:
    dice, low = place.dice, place.light.sky_low
    tone = mix(low, (62, 60, 96), 0.45)
    lamp: Colour = (255, 210, 140)
    glass = (lighter(tone, 0.10), darker(tone, 0.10), lamp if lit else lighter(tone, 0.3))
    x, index = -place.edge - 0.03, 0
    while x < place.edge:
        wide = dice.between(f"width {index}", 0.08, 0.17)
        top = place.horizon - dice.between(f"rise {index}", -0.05, 0.24)
        haze = mix(tone, low, dice.between(f"haze {index}", 0.0, 0.4))
        place.tower(x, wide, top, haze, glass)
        x, index = x + wide, index + 1
