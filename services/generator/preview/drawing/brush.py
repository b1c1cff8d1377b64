"""Smooth shapes, tapered strokes and soft light on an RGB picture, in a frame of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageDraw, ImageFilter

from services.generator.preview.drawing.colour import Colour
from services.generator.preview.drawing.curves import Point, closed_curve, open_curve, outline, oval
from services.generator.preview.drawing.frame import Frame
from services.generator.preview.drawing.gradient import Corners, enlarged, four_corners, spot

Box = tuple[int, int, int, int]

_COARSE = 4  # how much smaller soft paint is mixed


class Brush:
    """Paints on an RGB image. Coordinates and widths are in the frame's units, alpha in [0, 1]."""

    def __init__(self, image: Image.Image, frame: Frame) -> None:
        self.image = image
        self.frame = frame
        self._draw = ImageDraw.Draw(image, "RGBA")

    def at(self, point: Point, *, size: float = 1.0, flip: int = 1) -> Brush:
        """A brush on the same image with its origin at that point; see `Frame.at`."""
        return Brush(self.image, self.frame.at(point, size=size, flip=flip))

    def turned_about(self, pivot: Point, angle: float) -> Brush:
        """A brush on the same image, turned by `angle` radians about the pivot."""
        return Brush(self.image, self.frame.turned_about(pivot, angle))

    def polygon(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill the straight-edged polygon."""
        self._draw.polygon(self.frame.place_all(points), fill=(*colour, round(alpha * 255)))

    def shape(self, points: Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill the smooth closed curve through the points."""
        self.polygon(closed_curve(points), colour, alpha)

    def block(self, low: Point, high: Point, colour: Colour, alpha: float = 1.0) -> None:
        """Fill the rectangle between two opposite corners."""
        self.polygon([low, (high[0], low[1]), high, (low[0], high[1])], colour, alpha)

    def oval(self, centre: Point, radii: Point, colour: Colour, alpha: float = 1.0) -> None:
        """Fill an ellipse that tilts with the frame."""
        self.polygon(oval(centre, radii), colour, alpha)

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
        box = round(x - across), round(y - down), round(x + across), round(y + down)
        left, top = max(box[0], 0), max(box[1], 0)
        right, bottom = min(box[2], self.image.width), min(box[3], self.image.height)
        if right > left and bottom > top:
            seen = (left, top, right, bottom)
            self.image.paste(colour, seen, spot(box, seen, strength))

    def wash(self, corners: Corners, *, share: float = 1.0) -> None:
        """Cover the image, or its uppermost share, with a gradient between four corners."""
        high = max(1, round(self.image.height * share))
        self.image.paste(four_corners(corners, (self.image.width, high)))

    def soften(self, radius: float) -> None:
        """Blur what is painted so far, as a lens does with what lies far behind."""
        blurred = self.image.filter(ImageFilter.GaussianBlur(radius * self.frame.unit))
        self.image.paste(blurred)

    @contextmanager
    def clip(self, points: Sequence[Point], *, softly: bool = False) -> Iterator[Brush]:
        """A brush whose paint stays inside the smooth closed curve; it lands there at the end.

        `softly` paints at a quarter of the size: much faster, and right for light and shade
        without edges.
        """
        placed = self.frame.place_all(closed_curve(points))
        left, top, right, bottom = box = _bounds(placed, self.image.size)
        size, frame = (right - left, bottom - top), self.frame.moved(-left, -top)
        inner = self.image.reduce(_COARSE, box) if softly else self.image.crop(box)
        yield Brush(inner, frame.scaled(1 / _COARSE) if softly else frame)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in placed], fill=255)
        self.image.paste(enlarged(inner, size) if softly else inner, box, mask)


def _bounds(points: Sequence[Point], size: tuple[int, int]) -> Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left = min(max(int(min(xs)), 0), size[0] - 1)
    top = min(max(int(min(ys)), 0), size[1] - 1)
    right = max(min(int(max(xs)) + 2, size[0]), left + 1)
    return left, top, right, max(min(int(max(ys)) + 2, size[1]), top + 1)
