"""The places a picture can be taken in: how each is painted, dressed for and lit."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from services.generator.preview.brush import Brush
from services.generator.preview.colour import Colour
from services.generator.preview.dice import Dice
from services.generator.preview.frame import Frame
from services.generator.preview.light import Hour, Light
from services.generator.preview.pose import Framing, Garment, Wardrobe
from services.generator.preview.scenes_indoor import (
    paint_cafe,
    paint_gym,
    paint_home,
    paint_library,
    paint_stage,
    paint_studio,
)
from services.generator.preview.scenes_outdoor import (
    paint_beach,
    paint_city_night,
    paint_nature,
    paint_pool,
    paint_rooftop,
    paint_street,
)
from services.generator.preview.setting import Setting

_LONG_SIDE_PX = 352  # what is out of focus needs no more
_DAY = (Hour.MORNING, Hour.NOON, Hour.GOLDEN)
_EARTH: tuple[Colour, ...] = ((184, 92, 68), (72, 96, 82), (226, 214, 196), (60, 78, 108), (206, 158, 92))
_VIVID: tuple[Colour, ...] = ((220, 84, 76), (44, 130, 132), (240, 182, 72), (92, 96, 170), (244, 240, 234))
_DARK: tuple[Colour, ...] = ((40, 42, 52), (108, 36, 52), (34, 66, 76), (70, 54, 92), (198, 176, 142))
_PALE: tuple[Colour, ...] = ((248, 244, 236), (244, 206, 186), (178, 212, 214), (250, 226, 164), (226, 190, 206))


@dataclass(frozen=True, slots=True)
class Scene:
    """One place."""

    paint: Callable[[Setting], None]
    wardrobe: Wardrobe


def _scene(paint: Callable[[Setting], None], garments: str, colours: tuple[Colour, ...], hours: tuple[Hour, ...]) -> Scene:
    return Scene(paint, Wardrobe(tuple(Garment(name) for name in garments.split()), colours, hours))


SCENES: dict[str, Scene] = {
    "studio": _scene(paint_studio, "sweater turtleneck shirt blazer", _EARTH + _VIVID, (Hour.NOON, Hour.MORNING)),
    "street": _scene(paint_street, "tee shirt blazer hoodie", _EARTH, _DAY),
    "beach": _scene(paint_beach, "tee shirt", _PALE, _DAY),
    "gym": _scene(paint_gym, "tee hoodie", _VIVID, (Hour.MORNING, Hour.NOON)),
    "cafe": _scene(paint_cafe, "sweater shirt turtleneck blazer", _EARTH, (Hour.MORNING, Hour.GOLDEN)),
    "home": _scene(paint_home, "sweater tee hoodie shirt", _EARTH + _PALE, _DAY),
    "nature": _scene(paint_nature, "sweater hoodie shirt tee", _EARTH, _DAY),
    "city_night": _scene(paint_city_night, "turtleneck blazer hoodie shirt", _DARK, (Hour.NIGHT,)),
    "stage": _scene(paint_stage, "blazer turtleneck shirt", _DARK, (Hour.NIGHT, Hour.DUSK)),
    "library": _scene(paint_library, "sweater turtleneck blazer shirt", _EARTH, (Hour.GOLDEN, Hour.MORNING)),
    "pool": _scene(paint_pool, "tee shirt", _PALE + _VIVID, (Hour.NOON, Hour.GOLDEN)),
    "rooftop": _scene(paint_rooftop, "blazer turtleneck shirt tee", _DARK + _EARTH, (Hour.GOLDEN, Hour.DUSK)),
}
_LINES: dict[Framing, tuple[float, float, float]] = {  # floor, horizon, blur
    Framing.CLOSEUP: (1.10, 0.60, 0.016),
    Framing.HALF: (0.98, 0.55, 0.010),
    Framing.FULL: (0.76, 0.50, 0.005),
}


def scene_named(name: str) -> Scene:
    """The scene of that name; an unknown one is photographed in the studio."""
    return SCENES.get(name, SCENES["studio"])


def backdrop(scene: Scene, framing: Framing, light: Light, dice: Dice, size: tuple[int, int]) -> Image.Image:
    """The place without anybody in it, RGB of exactly `size` pixels, as far out of focus as the framing asks."""
    shrink = min(1.0, _LONG_SIDE_PX / max(size))
    width, height = (max(1, round(side * shrink)) for side in size)
    canvas = Image.new("RGB", (width, height))
    floor, horizon, blur = _LINES[framing]
    brush = Brush(canvas, Frame(width / 2, 0, height))
    scene.paint(Setting(brush, width / height / 2 * 1.02, floor, horizon, blur, light, dice))
    return canvas.resize(size, Image.Resampling.BICUBIC)
