"""The places a picture can be taken in: how each is painted, dressed for and lit."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.drawing.frame import Frame
from services.generator.preview.light import Hour, Light
from services.generator.preview.places.country import paint_beach, paint_nature, paint_pool
from services.generator.preview.places.halls import paint_gym, paint_stage, paint_studio
from services.generator.preview.places.rooms import paint_cafe, paint_home, paint_library
from services.generator.preview.places.setting import Setting
from services.generator.preview.places.town import paint_city_night, paint_rooftop, paint_street
from services.generator.preview.pose import Framing, Garment, Wardrobe

_LONG_SIDE_PX = 352  # what is out of focus needs no more
_EARTH: tuple[Colour, ...] = (
    (184, 92, 68),
    (72, 96, 82),
    (226, 214, 196),
    (60, 78, 108),
    (206, 158, 92),
)
_VIVID: tuple[Colour, ...] = (
    (220, 84, 76),
    (44, 130, 132),
    (240, 182, 72),
    (92, 96, 170),
    (244, 240, 234),
)
_DARK: tuple[Colour, ...] = (
    (40, 42, 52),
    (108, 36, 52),
    (34, 66, 76),
    (70, 54, 92),
    (198, 176, 142),
)
_PALE: tuple[Colour, ...] = (
    (248, 244, 236),
    (244, 206, 186),
    (178, 212, 214),
    (250, 226, 164),
    (226, 190, 206),
)

_GRAIN = 0.003  # the last softening, of the heights; without it the enlargement would show steps


@dataclass(frozen=True, slots=True)
class Scene:
    """One place."""

    name: str
    paint: Callable[[Setting], None]
    wardrobe: Wardrobe


def _scene(
    paint: Callable[[Setting], None], garments: str, colours: tuple[Colour, ...], hours: str
) -> Scene:
    worn = tuple(Garment(name) for name in garments.split())
    seen = tuple(Hour(name) for name in hours.split())
    return Scene(paint.__name__.removeprefix("paint_"), paint, Wardrobe(worn, colours, seen))


_ALL = (
    _scene(paint_studio, "sweater turtleneck shirt blazer", _EARTH + _VIVID, "noon morning"),
    _scene(paint_street, "tee shirt blazer hoodie", _EARTH, "morning noon golden"),
    _scene(paint_beach, "tee shirt", _PALE, "morning noon golden"),
    _scene(paint_gym, "tee hoodie", _VIVID, "morning noon"),
    _scene(paint_cafe, "sweater shirt turtleneck blazer", _EARTH, "morning golden"),
    _scene(paint_home, "sweater tee hoodie shirt", _EARTH + _PALE, "morning noon golden"),
    _scene(paint_nature, "sweater hoodie shirt tee", _EARTH, "morning noon golden"),
    _scene(paint_city_night, "turtleneck blazer hoodie shirt", _DARK, "night"),
    _scene(paint_stage, "blazer turtleneck shirt", _DARK, "night dusk"),
    _scene(paint_library, "sweater turtleneck blazer shirt", _EARTH, "golden morning"),
    _scene(paint_pool, "tee shirt", _PALE + _VIVID, "noon golden"),
    _scene(paint_rooftop, "blazer turtleneck shirt tee", _DARK + _EARTH, "golden dusk"),
)
SCENES: dict[str, Scene] = {scene.name: scene for scene in _ALL}
_LINES: dict[Framing, tuple[float, float, float]] = {  # floor, horizon, blur
    Framing.CLOSEUP: (1.10, 0.60, 0.016),
    Framing.HALF: (0.98, 0.55, 0.010),
    Framing.FULL: (0.76, 0.50, 0.005),
}


def scene_named(name: str) -> Scene:
    """The scene of that name; an unknown one is photographed in the studio."""
    return SCENES.get(name, SCENES["studio"])


def backdrop(
    scene: Scene, framing: Framing, light: Light, dice: Dice, size: tuple[int, int]
) -> Image.Image:
    """The place with nobody in it: RGB, `size` pixels, as far out of focus as the framing asks."""
    shrink = min(1.0, _LONG_SIDE_PX / max(size))
    width, height = (max(1, round(side * shrink)) for side in size)
    canvas = Image.new("RGB", (width, height))
    floor, horizon, blur = _LINES[framing]
    brush = Brush(canvas, Frame(width / 2, 0, height))
    # A little wider than the picture, so that rounding leaves no seam at the sides.
    edge = width / height / 2 * 1.02
    scene.paint(Setting(brush, edge, floor, horizon, blur, light, dice))
    brush.soften(_GRAIN)
    return canvas.resize(size, Image.Resampling.BICUBIC)
