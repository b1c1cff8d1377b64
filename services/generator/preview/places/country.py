"""Out of town: a beach, a meadow before the mountains, a house with a pool."""

from services.generator.preview.drawing.colour import WHITE, Colour, darker, lighter, mix
from services.generator.preview.drawing.curves import Point, path
from services.generator.preview.places.greenery import LEAF, paint_fir, paint_palm
from services.generator.preview.places.setting import Setting

_SEA: Colour = (52, 148, 168)
_SHALLOWS: Colour = (168, 226, 214)
_HEADLAND = path("1.2,0.01 0.9,-0.09 0.5,-0.05 0.15,0.01")
_PETALS: tuple[Colour, ...] = ((250, 244, 226), (244, 206, 112), (214, 150, 182))
_PARASOLS: tuple[Colour, ...] = ((240, 128, 96), (250, 206, 120), (246, 240, 230))
_PARASOL = path("-0.17,-0.07 0,-0.17 0.17,-0.07 0,-0.08")


def paint_beach(place: Setting) -> None:
    """Sun, sea and sand, a far headland, palms at the side."""
    brush, dice, line, edge = place.brush, place.dice, place.horizon, place.edge
    shaded = -edge * place.light.side
    place.sky()
    sun = (-shaded * dice.between("sun", 0.3, 0.7), line - dice.between("height", 0.08, 0.22))
    brush.glow(sun, (0.42, 0.42), place.light.rim, 0.75)
    brush.oval(sun, (0.045, 0.045), lighter(place.light.rim, 0.6))
    for index in range(4):
        cloud = brush.at(place.somewhere(f"cloud{index}", 0.05, line - 0.2))
        cloud.oval((0.0, 0.0), (0.18, 0.018), WHITE, 0.5)
        cloud.oval((0.05, -0.014), (0.09, 0.016), WHITE, 0.5)
    hill = [(shaded * x, line + y) for x, y in _HEADLAND]
    brush.shape(hill, mix(place.light.sky_low, (92, 118, 128), 0.55))
    _sea_and_sand(place)
    brush.glow((sun[0], line + 0.07), (0.12, 0.10), place.light.rim, 0.7)
    brush.soften(place.blur)
    paint_palm(brush, (shaded * 0.88, line + 0.24), 0.62, darker(LEAF, 0.12))
    if dice.chance("second palm", 0.6):
        paint_palm(brush, (shaded * 0.60, line + 0.16), 0.42)
    brush.soften(place.blur * 0.5)


def _sea_and_sand(place: Setting) -> None:
    brush, edge, line = place.brush, place.edge, place.horizon
    sea = mix(_SEA, place.light.sky_high, 0.25)
    for band in range(6):
        tone = mix(sea, _SHALLOWS, band / 6)
        brush.block((-edge, line + 0.035 * band), (edge, 1.05), tone)
    sand = mix((238, 214, 172), place.light.sky_low, 0.15)
    brush.shape(_shore(edge * 1.4, line + 0.20), WHITE, 0.75)
    brush.shape(_shore(edge * 1.4, line + 0.22), sand)


def _shore(wide: float, y: float) -> list[Point]:
    return [(-wide, y + 0.015), (0.0, y - 0.01), (wide, y + 0.02), (wide, 1.2), (-wide, 1.2)]


def paint_nature(place: Setting) -> None:
    """Hills behind hills, firs, a meadow."""
    brush, dice, line, edge = place.brush, place.dice, place.horizon, place.edge
    place.sky()
    brush.glow((edge * 0.6 * place.light.side, line - 0.2), (0.6, 0.5), place.light.rim, 0.6)
    for layer in range(3):
        _ridge(place, layer)
    brush.soften(place.blur)
    for index, x in enumerate(place.across(22)):
        foot = (x + dice.between(f"fir{index}", -0.5, 0.5) * edge / 11, line + 0.07)
        tone = mix((48, 84, 72), (98, 128, 92), dice.unit(f"fir{index} tone"))
        paint_fir(brush, foot, dice.between(f"fir{index} height", 0.12, 0.27), tone)
    place.ground(mix((148, 172, 98), place.light.sky_low, 0.18), line + 0.06)
    for index in range(70):
        x, y = place.somewhere(f"bloom{index}", line + 0.09, 1.0)
        size = 0.004 + 0.018 * (y - line)
        brush.oval((x, y), (size, size * 0.8), dice.pick(f"bloom{index} petal", _PETALS), 0.85)
    sunny = brush.at((edge * place.light.side, 0.0), flip=-place.light.side)
    for index in range(3):
        foot_x = 0.50 + 0.3 * index
        ray = [(0.0, -0.1), (0.1, -0.1), (foot_x + 0.15, 0.9), (foot_x, 0.9)]
        sunny.polygon(ray, place.light.rim, 0.10)
    brush.soften(place.blur * 0.7)


def _ridge(place: Setting, layer: int) -> None:
    """One line of hills; layer 0 is the farthest and palest."""
    tone = mix(place.light.sky_low, (72, 104, 116), 0.25 + 0.22 * layer)
    crest, wide = place.horizon - 0.24 + layer * 0.085, place.edge * 1.3
    peaks: list[Point] = [(-wide, 1.1)]
    for index in range(7):
        rise = place.dice.between(f"peak {layer} {index}", -0.085, 0.06)
        peaks.append((place.edge * 1.2 * (index / 3 - 1), crest + rise))
    place.brush.shape([*peaks, (wide, 1.1)], tone)


def paint_pool(place: Setting) -> None:
    """A white house, turquoise water, a parasol and a palm."""
    brush, line, edge, side = place.brush, place.horizon, place.edge, place.light.side
    place.sky()
    _villa(place)
    for index, x in enumerate(place.across(9)):
        brush.oval((x, line + 0.05), (0.10, 0.05), darker(LEAF, 0.05 * (index % 3)))
    place.ground(mix((232, 214, 190), place.light.sky_low, 0.12), line + 0.06)
    brush.soften(place.blur)
    top, low = line + 0.11, max(0.80, line + 0.30)
    basin = [(-edge * 0.86, top), (edge * 0.86, top), (edge * 1.5, low), (-edge * 1.5, low)]
    brush.polygon(basin, (64, 186, 200))
    for index in range(26):
        ripple = place.somewhere(f"ripple{index}", top + 0.01, low - 0.01)
        brush.oval(ripple, (0.05, 0.005), (214, 250, 246), 0.55)
    brush.glow((edge * 0.5 * side, top + 0.05), (0.4, 0.08), WHITE, 0.5)
    parasol = brush.at((edge * 0.70 * side, line))
    parasol.stroke([(0.0, -0.10), (0.0, 0.12)], 0.008, (250, 246, 240))
    parasol.shape(_PARASOL, place.dice.pick("parasol", _PARASOLS))
    paint_palm(brush, (-edge * 0.86 * side, line + 0.10), 0.56)
    brush.soften(place.blur * 0.5)


def _villa(place: Setting) -> None:
    edge, line = place.edge, place.horizon
    white = mix((250, 246, 240), place.light.sky_low, 0.15)
    house = place.brush.at((-edge if place.light.side > 0 else -edge * 0.1, line))
    house.block((0.0, -0.28), (edge * 1.1, 0.04), white)
    house.block((0.0, -0.30), (edge * 1.16, -0.265), darker(white, 0.12))
    glass = mix(place.light.sky_high, (60, 90, 100), 0.45)
    for index in range(3):
        x = edge * (0.08 + 0.34 * index)
        house.block((x, -0.22), (x + edge * 0.27, 0.03), glass)
