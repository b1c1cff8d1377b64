"""Halls to work in: a photographer's studio, a gym, a stage."""

from services.generator.preview.drawing.colour import Colour, darker, lighter, mix
from services.generator.preview.places.setting import Setting

_PAPERS: tuple[Colour, ...] = (
    (214, 196, 182),
    (178, 194, 196),
    (206, 172, 160),
    (170, 176, 200),
    (190, 200, 172),
    (222, 206, 168),
)
_DISCS: tuple[Colour, ...] = ((236, 132, 104), (92, 128, 150), (232, 186, 104), (128, 108, 148))
_GYM_WALLS: tuple[Colour, ...] = ((74, 80, 92), (86, 82, 84), (62, 78, 88))
_STRIPS: tuple[Colour, ...] = ((255, 120, 88), (120, 220, 200), (255, 206, 92))
_CURTAINS: tuple[Colour, ...] = ((96, 24, 44), (36, 34, 84), (24, 66, 76))
_BEAMS: tuple[tuple[Colour, Colour], ...] = (
    ((255, 214, 150), (255, 140, 170)),
    ((160, 200, 255), (220, 150, 255)),
    ((255, 236, 200), (140, 230, 230)),
)


def paint_studio(place: Setting) -> None:
    """Seamless paper with one large soft shape."""
    brush, side = place.brush, place.light.side
    paper = place.dice.pick("paper", _PAPERS)
    place.wall(paper)
    if place.dice.chance("disc", 0.55):
        disc = mix(paper, place.dice.pick("disc colour", _DISCS), 0.58)
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
    """Dark walls, windows, a light strip, racks of weights."""
    brush, edge = place.brush, place.edge
    wall = place.dice.pick("wall", _GYM_WALLS)
    place.wall(wall)
    pane = lighter(mix(wall, place.light.sky_low, 0.65), 0.15)
    for x in place.across(4):
        brush.block((x - edge * 0.21, 0.06), (x + edge * 0.21, 0.40), pane)
        brush.block((x - edge * 0.01, 0.06), (x + edge * 0.01, 0.40), darker(wall, 0.4))
    strip = place.dice.pick("strip", _STRIPS)
    brush.block((-edge, 0.455), (edge, 0.47), strip)
    brush.glow((0.0, 0.46), (edge * 1.6, 0.14), strip, 0.28)
    base = min(place.floor, 0.9)
    place.ground((70, 68, 74), base)
    brush.soften(place.blur)
    for shelf in range(2):
        _rack(place, base - 0.06 - shelf * 0.15, strip, shelf)
    brush.glow((edge * place.light.side, 0.2), (0.7, 0.7), place.light.rim, 0.30)
    brush.soften(place.blur * 0.5)


def _rack(place: Setting, y: float, accent: Colour, first: int) -> None:
    place.brush.block((-place.edge, y), (place.edge, y + 0.016), (40, 42, 48))
    for index, x in enumerate(place.across(12)):
        tone = accent if index % 5 == first else (46, 48, 54)
        weight = place.brush.at((x, y - 0.018))
        weight.block((-0.02, -0.004), (0.02, 0.006), (150, 154, 160))
        for end in (-0.021, 0.021):
            weight.oval((end, 0.0), (0.012, 0.032), tone)


def paint_stage(place: Setting) -> None:
    """Curtains, beams of light, a glossy floor."""
    brush, edge, floor = place.brush, place.edge, min(place.floor, 0.93)
    curtain = place.dice.pick("curtain", _CURTAINS)
    brush.wash((darker(curtain, 0.45),) * 2 + (darker(curtain, 0.70),) * 2)
    for x in place.across(18):
        fold = [(x, -0.05), (x + 0.012, 0.5), (x, 1.05)]
        brush.stroke(fold, edge * 0.055, lighter(curtain, 0.10), 0.35)
    place.ground(darker(curtain, 0.62), floor)
    brush.soften(place.blur * 0.8)
    beams = place.dice.pick("beams", _BEAMS)
    for index in range(4):
        x = edge * (index - 1.5) * 0.5
        sway = place.dice.between(f"beam{index}", -0.14, 0.14)
        foot = x * 0.4 + 0.16 * place.light.side + sway
        beam = [(x - 0.01, -0.03), (x + 0.01, -0.03), (foot + 0.17, 1.0), (foot - 0.17, 1.0)]
        brush.polygon(beam, beams[index % 2], 0.13)
        brush.glow((x, 0.0), (0.16, 0.16), lighter(beams[index % 2], 0.5), 0.9)
    brush.glow((0.0, max(0.55, floor)), (0.75, 0.28), beams[0], 0.35)
    brush.soften(0.008)
    place.bokeh(beams, 14, 0.04, 0.55)
    brush.soften(place.blur * 0.6)
