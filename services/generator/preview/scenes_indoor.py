"""Places with walls."""

from services.generator.preview.colour import Colour, darker, lighter, mix
from services.generator.preview.setting import Setting

_LEAF: Colour = (78, 116, 86)
_WARM: Colour = (255, 206, 134)


def paint_studio(place: Setting) -> None:
    """Seamless paper with one large soft shape."""
    brush, side = place.brush, place.light.side
    paper = place.dice.pick(
        "paper", ((214, 196, 182), (178, 194, 196), (206, 172, 160), (170, 176, 200), (190, 200, 172), (222, 206, 168))
    )
    place.wall(paper)
    if place.dice.chance("disc", 0.55):
        disc = mix(paper, place.dice.pick("disc colour", ((236, 132, 104), (92, 128, 150), (232, 186, 104), (128, 108, 148))), 0.58)
        brush.oval((0.10 * side, 0.42), (0.36, 0.36), disc, 0.85)
    else:
        arch = mix(paper, (255, 250, 240), 0.45)
        brush.block((-0.30, 0.42), (0.30, 1.05), arch)
        brush.oval((0.0, 0.42), (0.30, 0.30), arch)
    brush.glow((place.edge * 0.9 * side, 0.15), (0.8, 0.8), (255, 255, 255), 0.45)
    if place.floor < 1:
        place.ground(darker(paper, 0.06), place.floor + 0.04)
        brush.soften(0.02)
    brush.soften(place.blur * 0.6)


def paint_gym(place: Setting) -> None:
    """Dark walls, a light strip, racks of weights."""
    brush, side = place.brush, place.light.side
    wall = place.dice.pick("wall", ((74, 80, 92), (86, 82, 84), (62, 78, 88)))
    place.wall(wall)
    for index in range(4):
        x = -place.edge + place.edge * 2 * (index + 0.08) / 4
        brush.block((x, 0.06), (x + place.edge * 0.42, 0.40), lighter(mix(wall, place.light.sky_low, 0.65), 0.15))
        brush.block((x + place.edge * 0.20, 0.06), (x + place.edge * 0.22, 0.40), darker(wall, 0.4))
    strip = place.dice.pick("strip", ((255, 120, 88), (120, 220, 200), (255, 206, 92)))
    brush.block((-place.edge, 0.455), (place.edge, 0.47), strip)
    brush.glow((0.0, 0.46), (place.edge * 1.6, 0.14), strip, 0.28)
    place.ground((70, 68, 74), min(place.floor, 0.9))
    brush.soften(place.blur)
    base = min(place.floor, 0.9)
    for shelf in range(2):
        y = base - 0.06 - shelf * 0.15
        brush.block((-place.edge, y), (place.edge, y + 0.016), (40, 42, 48))
        for index in range(14):
            x = -place.edge + place.edge * 2 * (index + 0.5) / 14
            tone = strip if index % 5 == shelf else (46, 48, 54)
            brush.block((x - 0.026, y - 0.022), (x + 0.026, y - 0.012), (150, 154, 160))
            for end in (-0.03, 0.03):
                brush.oval((x + end, y - 0.018), (0.012, 0.032), tone)
    brush.glow((place.edge * side, 0.2), (0.7, 0.7), place.light.rim, 0.30)
    brush.soften(place.blur * 0.5)


def paint_cafe(place: Setting) -> None:
    """A warm room: shelves of jars, hanging lamps, a counter."""
    brush, dice = place.brush, place.dice
    wall = dice.pick("wall", ((150, 104, 80), (92, 112, 104), (176, 140, 112)))
    place.wall(wall)
    window = -place.edge if place.light.side < 0 else place.edge * 0.42
    brush.block((window, 0.08), (window + place.edge * 0.58, 0.62), lighter(place.light.sky_low, 0.25))
    brush.block((window + place.edge * 0.28, 0.08), (window + place.edge * 0.30, 0.62), darker(wall, 0.45))
    brush.glow((window + place.edge * 0.3, 0.35), (0.5, 0.5), place.light.rim, 0.5)
    shelves = -place.edge * 0.92 if place.light.side > 0 else place.edge * 0.02
    for row in range(3):
        y = 0.26 + row * 0.16
        brush.block((shelves, y), (shelves + place.edge * 0.9, y + 0.016), darker(wall, 0.55))
        for index in range(9):
            x = shelves + place.edge * 0.9 * (index + 0.4) / 9
            high = dice.between(f"jar{row}/{index}", 0.04, 0.10)
            tone = dice.pick(f"jar colour{row}/{index}", ((232, 216, 190), (196, 120, 84), (112, 132, 112), (226, 180, 120), (90, 66, 60)))
            brush.block((x, y - high), (x + place.edge * 0.06, y), tone)
    place.ground((112, 78, 60), min(place.floor, 0.86))
    brush.soften(place.blur)
    for index in range(3):
        x = place.edge * (index - 1) * 0.72 + dice.between(f"lamp{index}", -0.04, 0.04)
        brush.stroke([(x, -0.02), (x, 0.10)], 0.005, (40, 30, 28))
        brush.glow((x, 0.14), (0.20, 0.20), _WARM, 0.65)
        brush.oval((x, 0.135), (0.034, 0.034), (255, 244, 214))
        brush.shape([(x - 0.06, 0.135), (x, 0.075), (x + 0.06, 0.135), (x, 0.128)], (46, 40, 42))
    place.plant(-place.edge * 0.86 * place.light.side, 0.80, 0.20, _LEAF)
    place.bokeh((_WARM, (255, 172, 110)), 9, 0.10, 0.5)
    brush.soften(place.blur * 0.45)


def paint_home(place: Setting) -> None:
    """A living room: a curtained window, a picture, a sofa, a plant."""
    brush, dice, side = place.brush, place.dice, place.light.side
    wall = dice.pick("wall", ((226, 214, 200), (196, 206, 200), (222, 200, 188), (204, 208, 220)))
    place.wall(wall)
    x = place.edge * 0.62 * side
    brush.block((x - 0.22, 0.06), (x + 0.22, 0.66), (250, 248, 244))
    brush.block((x - 0.205, 0.075), (x + 0.205, 0.645), lighter(place.light.sky_low, 0.3))
    brush.block((x - 0.008, 0.06), (x + 0.008, 0.66), (250, 248, 244))
    brush.glow((x, 0.34), (0.6, 0.6), place.light.rim, 0.45)
    for end in (-1, 1):
        brush.block((x + end * 0.30 - 0.07, 0.03), (x + end * 0.30 + 0.07, 0.86), lighter(wall, 0.35), 0.92)
        brush.block((x + end * 0.30 - 0.02, 0.03), (x + end * 0.30, 0.86), darker(wall, 0.12), 0.5)
    frame = -place.edge * 0.58 * side
    art = dice.pick("art", ((214, 122, 96), (88, 118, 138), (222, 176, 104)))
    brush.block((frame - 0.13, 0.12), (frame + 0.13, 0.46), (250, 248, 244))
    brush.oval((frame - 0.02, 0.30), (0.07, 0.085), art)
    brush.oval((frame + 0.035, 0.25), (0.045, 0.045), darker(art, 0.3), 0.7)
    place.ground((176, 140, 108), min(place.floor, 0.97))
    brush.soften(place.blur)
    sofa = dice.pick("sofa", ((108, 132, 128), (190, 128, 104), (122, 124, 150)))
    base = min(place.floor, 0.95) + 0.06
    left = min(frame, 0.0) - 0.30 if side > 0 else max(frame, 0.0) - 0.32
    brush.shape([(left, base - 0.27), (left + 0.62, base - 0.27), (left + 0.64, base), (left - 0.02, base)], sofa)
    brush.shape([(left - 0.03, base - 0.12), (left + 0.65, base - 0.12), (left + 0.66, base), (left - 0.04, base)], lighter(sofa, 0.12))
    place.plant(-place.edge * 0.93 * side, base, 0.30, _LEAF)
    brush.soften(place.blur * 0.45)


def paint_library(place: Setting) -> None:
    """Shelves of books up to the ceiling, and a reading lamp."""
    brush, dice, side = place.brush, place.dice, place.light.side
    wood = dice.pick("wood", ((98, 64, 46), (122, 86, 58), (74, 54, 48)))
    place.wall(darker(wood, 0.45))
    spines = ((150, 62, 54), (62, 84, 104), (196, 160, 104), (76, 98, 78), (214, 202, 178), (110, 70, 88), (176, 104, 62))
    rows, base = 6, min(place.floor, 1.02)
    for row in range(rows):
        low = 0.02 + (base - 0.02) * (row + 1) / rows
        x, index = -place.edge, 0
        while x < place.edge:
            width = dice.between(f"book{row}/{index}", 0.014, 0.034)
            high = dice.between(f"high{row}/{index}", 0.085, 0.135)
            if dice.unit(f"gap{row}/{index}") > 0.07:
                tone = darker(dice.pick(f"spine{row}/{index}", spines), 0.10)
                brush.block((x, low - high), (x + width * 0.92, low), tone)
                brush.block((x, low - high * 0.8), (x + width * 0.92, low - high * 0.74), lighter(tone, 0.35), 0.7)
            x, index = x + width, index + 1
        brush.block((-place.edge, low), (place.edge, low + 0.018), lighter(wood, 0.05))
    for column in range(4):
        x = -place.edge + place.edge * 2 * column / 3
        brush.block((x - 0.015, 0.0), (x + 0.015, base), wood)
    place.ground((104, 72, 56), base)
    brush.soften(place.blur)
    x = place.edge * 0.8 * side
    brush.glow((x, 0.38), (0.55, 0.55), _WARM, 0.55)
    brush.shape([(x - 0.05, 0.30), (x + 0.05, 0.30), (x + 0.09, 0.42), (x - 0.09, 0.42)], (255, 232, 184))
    brush.stroke([(x, 0.42), (x, 1.0)], 0.012, (62, 46, 40))
    place.bokeh((_WARM,), 5, 0.08, 0.4)
    brush.soften(place.blur * 0.45)


def paint_stage(place: Setting) -> None:
    """Curtains, beams of light, a glossy floor."""
    brush, dice, side = place.brush, place.dice, place.light.side
    curtain = dice.pick("curtain", ((96, 24, 44), (36, 34, 84), (24, 66, 76)))
    brush.wash((darker(curtain, 0.45),) * 2 + (darker(curtain, 0.70),) * 2)
    for index in range(18):
        x = -place.edge + place.edge * 2 * (index + 0.5) / 18
        brush.stroke([(x, -0.05), (x + 0.012, 0.5), (x, 1.05)], place.edge * 0.055, lighter(curtain, 0.10), 0.35)
    place.ground(darker(curtain, 0.62), min(place.floor, 0.93))
    brush.soften(place.blur * 0.8)
    beams = dice.pick("beams", (((255, 214, 150), (255, 140, 170)), ((160, 200, 255), (220, 150, 255)), ((255, 236, 200), (140, 230, 230))))
    for index in range(4):
        top = place.edge * (index - 1.5) * 0.5
        foot = top * 0.4 + 0.16 * side + dice.between(f"beam{index}", -0.14, 0.14)
        brush.polygon([(top - 0.01, -0.03), (top + 0.01, -0.03), (foot + 0.17, 1.0), (foot - 0.17, 1.0)], beams[index % 2], 0.13)
        brush.glow((top, 0.0), (0.16, 0.16), lighter(beams[index % 2], 0.5), 0.9)
    brush.glow((0.0, max(0.55, min(place.floor, 0.93))), (0.75, 0.28), beams[0], 0.35)
    brush.soften(0.008)
    place.bokeh(beams, 14, 0.04, 0.55)
    brush.soften(place.blur * 0.6)
