"""Places under the sky."""

from services.generator.preview.colour import Colour, darker, lighter, mix
from services.generator.preview.light import Hour
from services.generator.preview.setting import Setting

_LEAF: Colour = (92, 134, 88)
_LAMPS: tuple[Colour, ...] = ((255, 196, 120), (255, 142, 120), (140, 190, 255), (255, 230, 170), (220, 140, 230))


def paint_street(place: Setting) -> None:
    """House fronts left and right, trees, a pavement that runs to the horizon."""
    brush, dice, line = place.brush, place.dice, place.horizon
    place.sky()
    road = mix((150, 146, 146), place.light.sky_low, 0.2)
    place.ground(lighter(road, 0.12), line)
    fronts = ((206, 160, 128), (222, 204, 178), (184, 124, 104), (160, 168, 168), (214, 186, 150))
    for side in (-1, 1):
        for index in range(3):
            near, far = place.edge * (1.02 - index * 0.27) * side, place.edge * (0.75 - index * 0.27) * side
            tall, low = line - 0.62 + index * 0.15, line - 0.47 + index * 0.15
            tone = darker(dice.pick(f"front{side}/{index}", fronts), 0.05 if side == place.light.side else 0.28)
            brush.polygon([(near, tall), (far, low), (far, line + 0.06), (near, 1.0 - index * 0.22)], mix(tone, place.light.sky_low, 0.12 * index))
            for floor in range(3):
                x = near + (far - near) * 0.5
                y = low + 0.10 + floor * 0.14
                glass = mix(place.light.sky_high, (250, 236, 206), 0.4)
                for shift in (-0.24, 0.24):
                    middle = x + (far - near) * shift
                    brush.block((middle - 0.022, y), (middle + 0.022, y + 0.08), darker(glass, 0.25 if floor else 0.1))
    brush.polygon([(-0.05, line), (0.05, line), (place.edge * 1.3, 1.05), (-place.edge * 1.3, 1.05)], road)
    brush.polygon([(-0.05, line), (-0.02, line), (-place.edge * 0.7, 1.05), (-place.edge * 1.3, 1.05)], lighter(road, 0.2))
    brush.soften(place.blur)
    for side in (-1, 1):
        for index in range(2):
            x, size = place.edge * (0.78 - index * 0.38) * side, 0.17 - index * 0.055
            y = line - 0.04 - size * 0.7
            brush.stroke([(x, y), (x, line + 0.16 - index * 0.09)], 0.014, (82, 62, 54))
            for puff in range(5):
                spot = (x + dice.between(f"puff x{side}{index}{puff}", -size, size) * 0.7, y + dice.between(f"puff y{side}{index}{puff}", -size, size) * 0.5)
                brush.oval(spot, (size * 0.62, size * 0.55), lighter(_LEAF, 0.04 * puff) if side == place.light.side else darker(_LEAF, 0.2 - 0.03 * puff))
    brush.glow((0.25 * place.light.side, line - 0.05), (0.45, 0.35), place.light.rim, 0.45)
    brush.soften(place.blur * 0.6)


def paint_beach(place: Setting) -> None:
    """Sun, sea and sand, a far headland, palms at the side."""
    brush, dice, line, side = place.brush, place.dice, place.horizon, place.light.side
    place.sky()
    sun = (place.edge * dice.between("sun", 0.3, 0.7) * side, line - dice.between("height", 0.08, 0.22))
    brush.glow(sun, (0.42, 0.42), place.light.rim, 0.75)
    brush.oval(sun, (0.045, 0.045), lighter(place.light.rim, 0.6))
    for index in range(4):
        x, y = dice.between(f"cloud{index}", -place.edge, place.edge), dice.between(f"cloud y{index}", 0.05, line - 0.2)
        brush.oval((x, y), (0.18, 0.018), (255, 255, 255), 0.5)
        brush.oval((x + 0.05, y - 0.014), (0.09, 0.016), (255, 255, 255), 0.5)
    hill = mix(place.light.sky_low, (92, 118, 128), 0.55)
    far = -place.edge * side
    brush.shape([(far * 1.2, line + 0.01), (far * 0.9, line - 0.09), (far * 0.5, line - 0.05), (far * 0.15, line + 0.01)], hill)
    sea = mix((52, 148, 168), place.light.sky_high, 0.25)
    for index in range(6):
        y = line + 0.035 * index
        brush.block((-place.edge, y), (place.edge, 1.05), mix(sea, (168, 226, 214), index / 6))
    brush.glow((sun[0], line + 0.07), (0.12, 0.10), place.light.rim, 0.7)
    sand = mix((238, 214, 172), place.light.sky_low, 0.15)
    shore = line + 0.20
    brush.shape([(-place.edge * 1.4, shore + 0.015), (0.0, shore - 0.01), (place.edge * 1.4, shore + 0.02), (place.edge * 1.4, 1.2), (-place.edge * 1.4, 1.2)], (255, 255, 255), 0.75)
    brush.shape([(-place.edge * 1.4, shore + 0.035), (0.0, shore + 0.012), (place.edge * 1.4, shore + 0.04), (place.edge * 1.4, 1.2), (-place.edge * 1.4, 1.2)], sand)
    brush.soften(place.blur)
    place.palm(far * 0.88, line + 0.24, 0.62, darker(_LEAF, 0.12))
    if dice.chance("second palm", 0.6):
        place.palm(far * 0.60, line + 0.16, 0.42, _LEAF)
    brush.soften(place.blur * 0.5)


def paint_nature(place: Setting) -> None:
    """Hills behind hills, firs, a meadow."""
    brush, dice, line, side = place.brush, place.dice, place.horizon, place.light.side
    place.sky()
    brush.glow((place.edge * 0.6 * side, line - 0.2), (0.6, 0.5), place.light.rim, 0.6)
    for layer in range(3):
        tone = mix(place.light.sky_low, (72, 104, 116), 0.25 + 0.22 * layer)
        peaks = [(-place.edge * 1.3, 1.1)]
        for index in range(7):
            x = -place.edge * 1.2 + place.edge * 2.4 * index / 6
            peaks.append((x, line - 0.24 + layer * 0.085 + dice.between(f"peak{layer}/{index}", -0.085, 0.06)))
        brush.shape([*peaks, (place.edge * 1.3, 1.1)], tone)
    brush.soften(place.blur)
    for index in range(22):
        x = -place.edge + place.edge * 2 * (index + dice.unit(f"fir{index}")) / 22
        high = dice.between(f"fir high{index}", 0.12, 0.27)
        base, tone = line + 0.07, mix((48, 84, 72), (98, 128, 92), dice.unit(f"fir tone{index}"))
        brush.polygon([(x - high * 0.2, base), (x, base - high), (x + high * 0.2, base)], tone)
        brush.polygon([(x - high * 0.15, base - high * 0.4), (x, base - high * 1.02), (x + high * 0.15, base - high * 0.4)], lighter(tone, 0.08))
    place.ground(mix((148, 172, 98), place.light.sky_low, 0.18), line + 0.06)
    for index in range(70):
        x, y = dice.between(f"bloom{index}", -place.edge, place.edge), dice.between(f"bloom y{index}", line + 0.09, 1.0)
        size = 0.004 + 0.018 * (y - line)
        brush.oval((x, y), (size, size * 0.8), dice.pick(f"petal{index}", ((250, 244, 226), (244, 206, 112), (214, 150, 182))), 0.85)
    for index in range(3):
        x = place.edge * side
        ray = [(x, -0.1), (x - 0.1 * side, -0.1), (x - (0.65 + 0.3 * index) * side, 0.9), (x - (0.50 + 0.3 * index) * side, 0.9)]
        brush.polygon(ray, place.light.rim, 0.10)
    brush.soften(place.blur * 0.7)


def paint_city_night(place: Setting) -> None:
    """Lit windows, neon, lights out of focus."""
    brush, dice = place.brush, place.dice
    place.sky()
    glass = ((255, 206, 132), (70, 78, 116), (60, 66, 104), (255, 226, 170), (56, 60, 96), (120, 150, 200))
    for layer in range(2):
        x, index = -place.edge - 0.05, 0
        while x < place.edge:
            width = dice.between(f"width{layer}/{index}", 0.11, 0.20)
            top = place.horizon - dice.between(f"top{layer}/{index}", 0.08, 0.36) + layer * 0.12
            place.tower(x, width * 0.96, top, mix((34, 36, 70), place.light.sky_low, 0.35 - 0.25 * layer), glass)
            x, index = x + width, index + 1
    brush.glow((0.0, place.horizon + 0.2), (place.edge * 1.5, 0.35), (232, 120, 120), 0.30)
    place.ground((38, 36, 58), max(place.floor, 0.74))
    brush.soften(place.blur * 1.1)
    neon = dice.pick("neon", ((255, 92, 150), (80, 220, 230), (255, 160, 80)))
    x = place.edge * 0.72 * place.light.side
    brush.stroke([(x - 0.10, 0.34), (x + 0.10, 0.34)], 0.014, lighter(neon, 0.4))
    brush.stroke([(x - 0.10, 0.39), (x + 0.05, 0.39)], 0.014, lighter(neon, 0.4))
    brush.glow((x, 0.36), (0.26, 0.18), neon, 0.6)
    place.bokeh(_LAMPS, 30, 0.34, 0.86)
    if place.floor < 1:
        for index in range(10):
            spot = (dice.between(f"puddle{index}", -place.edge, place.edge), dice.between(f"puddle y{index}", 0.8, 0.98))
            brush.glow(spot, (0.09, 0.02), dice.pick(f"gleam{index}", _LAMPS), 0.5)
    brush.soften(place.blur * 0.3)


def paint_pool(place: Setting) -> None:
    """A white house, turquoise water, parasols and palms."""
    brush, dice, line, side = place.brush, place.dice, place.horizon, place.light.side
    place.sky()
    white = mix((250, 246, 240), place.light.sky_low, 0.15)
    left = -place.edge if side > 0 else -place.edge * 0.1
    brush.block((left, line - 0.28), (left + place.edge * 1.1, line + 0.04), white)
    brush.block((left, line - 0.30), (left + place.edge * 1.16, line - 0.265), darker(white, 0.12))
    for index in range(3):
        x = left + place.edge * (0.08 + 0.34 * index)
        brush.block((x, line - 0.22), (x + place.edge * 0.27, line + 0.03), mix(place.light.sky_high, (60, 90, 100), 0.45))
    for index in range(9):
        x = -place.edge + place.edge * 2 * (index + 0.5) / 9
        brush.oval((x, line + 0.05), (0.10, 0.05), darker(_LEAF, 0.05 * (index % 3)))
    deck = mix((232, 214, 190), place.light.sky_low, 0.12)
    place.ground(deck, line + 0.06)
    brush.soften(place.blur)
    water: Colour = (64, 186, 200)
    top, low = line + 0.11, max(0.80, line + 0.30)
    pool = [(-place.edge * 0.86, top), (place.edge * 0.86, top), (place.edge * 1.5, low), (-place.edge * 1.5, low)]
    brush.polygon(pool, water)
    for index in range(26):
        x, y = dice.between(f"ripple{index}", -place.edge, place.edge), dice.between(f"ripple y{index}", top + 0.01, low - 0.01)
        brush.oval((x, y), (0.05, 0.005), (214, 250, 246), 0.55)
    brush.glow((place.edge * 0.5 * side, top + 0.05), (0.4, 0.08), (255, 255, 255), 0.5)
    x = place.edge * 0.70 * side
    shade = dice.pick("parasol", ((240, 128, 96), (250, 206, 120), (246, 240, 230)))
    brush.stroke([(x, line - 0.10), (x, line + 0.12)], 0.008, (250, 246, 240))
    brush.shape([(x - 0.17, line - 0.07), (x, line - 0.17), (x + 0.17, line - 0.07), (x, line - 0.08)], shade)
    place.palm(-place.edge * 0.86 * side, line + 0.10, 0.56, _LEAF)
    brush.soften(place.blur * 0.5)


def paint_rooftop(place: Setting) -> None:
    """A terrace above the town: skyline, string lights, planters."""
    brush, dice, line, side = place.brush, place.dice, place.horizon, place.light.side
    place.sky()
    lit = place.light.hour in (Hour.DUSK, Hour.NIGHT)
    tone = mix(place.light.sky_low, (62, 60, 96), 0.45)
    glass = (lighter(tone, 0.10), darker(tone, 0.10), (255, 210, 140) if lit else lighter(tone, 0.3), darker(tone, 0.05))
    x, index = -place.edge - 0.03, 0
    while x < place.edge:
        width = dice.between(f"width{index}", 0.08, 0.17)
        place.tower(x, width, line - dice.between(f"top{index}", -0.05, 0.24), mix(tone, place.light.sky_low, dice.between(f"haze{index}", 0.0, 0.4)), glass)
        x, index = x + width, index + 1
    brush.glow((place.edge * 0.5 * side, line), (0.55, 0.35), place.light.rim, 0.5)
    brush.soften(place.blur * 1.2)
    brush.block((-place.edge, line + 0.16), (place.edge, line + 0.19), (206, 190, 176))
    brush.block((-place.edge, line + 0.19), (place.edge, 1.05), (158, 140, 132))
    place.ground((172, 138, 112), max(place.floor, line + 0.22))
    for end in (-1, 1):
        place.plant(place.edge * 0.84 * end, line + 0.30, 0.24, darker(_LEAF, 0.1))
    for strand in range(2):
        for index in range(13):
            share = index / 12
            spot = (-place.edge + place.edge * 2 * share, 0.05 + strand * 0.08 + 0.30 * share * (1 - share))
            brush.glow(spot, (0.035, 0.035), (255, 206, 130), 0.7 if lit else 0.4)
            brush.oval(spot, (0.011, 0.011), (255, 244, 212))
    brush.soften(place.blur * 0.45)
