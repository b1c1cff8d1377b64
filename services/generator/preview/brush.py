"""Smooth shapes, tapered strokes and soft light on an RGB picture, in a frame of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import cos, hypot, pi, sin

from PIL import Image, ImageDraw

from services.generator.preview.colour import Colour
from services.generator.preview.curves import Point, closed_curve, open_curve, outline
from services.generator.preview.frame import Frame

Box = tuple[int, int, int, int]


class Brush:
    """Paints on an RGB image. Coordinates and widths are in the frame's units, alpha in [0, 1]."""

    def __init__(self, image: Image.Image, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._draw = ImageDraw.Draw(image, "RGBA")

    def within(self, frame: Frame) -> Brush:
        """A brush on the same image whose coordinates are those of `frame`."""
        return Brush(self.image, frame)

    def shape(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill the smooth closed curve through the points."""
        self.polygon(closed_curve(points), colour, alpha)

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill the straight-edged polygon."""
        self._draw.polygon([self.frame.place(p) for p in points], fill=(*colour, round(alpha * 255)))

    def oval(self, centre: Point, radii: Point, colour: Colour, alpha: float = 1.0) -> None:
        """Fill an ellipse that tilts with the frame."""
        self.polygon(oval_points(centre, radii), colour, alpha)

    def stroke(
        self,
        points: Sequence[Point],
        width: float,
        colour: Colour,
        alpha: float = 1.0,
        *,
        ends: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        """A smooth line, full width in the middle and `ends` of it at its two ends."""
        # A hairline thinner than a pixel would vanish from small pictures.
        width = max(width, 0.9 / self.frame.unit)
        self.polygon(outline(open_curve(points), width, ends), colour, alpha)

    def glow(self, centre: Point, radii: Point, colour: Colour, strength: float) -> None:
        """A soft spot: `strength` opaque at its centre, nothing at its rim."""
        x, y = self.frame.place(centre)
        across, down = radii[0] * self.frame.unit, radii[1] * self.frame.unit
        box = (round(x - across), round(y - down), round(x + across), round(y + down))
        size = (box[2] - box[0], box[3] - box[1])
        if min(size) < 1 or not _overlaps(box, self.image.size):
            return
        spot = Image.radial_gradient("L").point([round((255 - v) * strength) for v in range(256)])
        self.image.paste(colour, box, spot.resize(size, Image.Resampling.BILINEAR))

    def wash(self, corners: tuple[Colour, Colour, Colour, Colour]) -> None:
        """Cover the whole image with a gradient between its corners: top left, top right, bottom left, bottom right."""
        self.image.paste(gradient(corners, self.image.size))

    @contextmanager
    def clip(self, points: Sequence[Point], *, softly: bool = False) -> Iterator[Brush]:
        """A brush whose paint stays inside the smooth closed curve; it lands on the picture at the end.

        `softly` paints at a quarter of the size, much faster and right for light and shade without edges.
        """
        placed = [self.frame.place(p) for p in closed_curve(points)]
        left, top, right, bottom = box = _bounds(placed, self.image.size)
        inner, frame = self.image.crop(box), self.frame.moved(-left, -top)
        size = inner.size
        if softly:
            inner, frame = inner.reduce(4), frame.scaled(1 / 4)
        yield Brush(inner, frame)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in placed], fill=255)
        self.image.paste(inner.resize(size, Image.Resampling.BILINEAR) if softly else inner, box, mask)


def gradient(corners: tuple[Colour, Colour, Colour, Colour], size: tuple[int, int]) -> Image.Image:
    """A four-corner gradient of the given size in pixels."""
    seed = Image.new("RGB", (2, 2))
    for index, colour in enumerate(corners):
        seed.putpixel((index % 2, index // 2), colour)
    # Sampling between the pixel centres avoids flat quarters at the edges.
    return seed.resize(size, Image.Resampling.BILINEAR, box=(0.5, 0.5, 1.5, 1.5))


def oval_points(centre: Point, radii: Point) -> list[Point]:
    """The rim of an ellipse, as many points as it takes to look round."""
    steps = 20 if hypot(*radii) < 0.2 else 48
    turns = (2 * pi * i / steps for i in range(steps))
    return [(centre[0] + radii[0] * cos(t), centre[1] + radii[1] * sin(t)) for t in turns]


def _bounds(points: Sequence[Point], size: tuple[int, int]) -> Box:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    left, top = min(max(int(min(xs)), 0), size[0] - 1), min(max(int(min(ys)), 0), size[1] - 1)
    right, bottom = min(int(max(xs)) + 2, size[0]), min(int(max(ys)) + 2, size[1])
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _overlaps(box: Box, size: tuple[int, int]) -> bool:
    return box[0] < size[0] and box[1] < size[1] and box[2] > 0 and box[3] > 0
