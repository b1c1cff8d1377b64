"""Placeholder portraits, drawn rather than generated: the same face for the same avatar."""

from io import BytesIO
from math import ceil

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.person.body import paint_body
from services.generator.preview.person.face import paint_face
from services.generator.preview.person.features import features
from services.generator.preview.person.hair import paint_back_hair, paint_front_hair
from services.generator.preview.person.jewellery import paint_earrings
from services.generator.preview.places.scenes import backdrop, scene_named
from services.generator.preview.pose import Framing, Pose, pose
from services.generator.preview.ribbon import tie_ribbon

SMALLEST_PX = 64
LARGEST_PX = 1536
_NECK = (0.0, 1.45)


def paint(
    *,
    avatar_id: str,
    scene: str,
    framing: str,
    seed: int,
    width: int,
    height: int,
    label: str = "PREVIEW",
) -> bytes:
    """A labelled RGB portrait as PNG, `width` by `height` pixels: equal arguments, equal bytes.

    The face depends on `avatar_id` alone; scene, framing and seed decide the composition. An
    unknown scene is the studio, an unknown framing is half. A side outside 64-1536 px or a blank
    label is a ValueError. Blocks for a fraction of a second: not for an event loop.
    """
    if not label.strip():
        raise ValueError("a preview must say what it is: the label is blank")
    picture = draw_unlabelled(avatar_id, scene, framing, seed, (width, height))
    tie_ribbon(picture, label)
    return _png(picture)


def draw_unlabelled(
    avatar_id: str, scene: str, framing: str, seed: int, size: tuple[int, int]
) -> Image.Image:
    """The portrait before its ribbon, RGB; not to leave this package."""
    for side in size:
        if not SMALLEST_PX <= side <= LARGEST_PX:
            raise ValueError(f"a side of {side} px is outside {SMALLEST_PX}-{LARGEST_PX} px")
    place = scene_named(scene)
    chosen = Framing(framing) if framing in set(Framing) else Framing.HALF
    stance = pose(place.name, place.wardrobe, chosen, seed)
    dice = Dice(f"scene/{place.name}/{chosen}/{seed}")
    behind = backdrop(place, chosen, stance.light, dice, size)
    finer = _finer(size)
    canvas = behind.resize((size[0] * finer, size[1] * finer), Image.Resampling.NEAREST)
    _paint_figure(canvas, avatar_id, stance)
    return stance.light.graded(canvas.reduce(finer))


def _finer(size: tuple[int, int]) -> int:
    """How much larger to draw before reducing, for smooth edges.

    Small pictures need it most and cost least.
    """
    short = min(size)
    return 2 if short >= 400 else min(6, ceil(800 / short))


def _paint_figure(canvas: Image.Image, avatar_id: str, stance: Pose) -> None:
    face = features(avatar_id)
    body = Brush(canvas, stance.frame(*canvas.size))
    head = body.turned_about(_NECK, stance.tilt)
    paint_back_hair(head, face, stance.light)
    paint_body(body, face, stance)
    paint_face(head, face, stance)
    paint_earrings(head, face)
    paint_front_hair(head, face, stance.light)


def _png(picture: Image.Image) -> bytes:
    text = PngInfo()
    text.add_text("Software", "Atelier preview painter")
    text.add_text("Comment", "PREVIEW - drawn, not generated")
    file = BytesIO()
    picture.save(file, "PNG", compress_level=1, pnginfo=text)
    return file.getvalue()
