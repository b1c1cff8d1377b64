"""Where a drawing's own coordinates lie on the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, sin

from services.generator.preview.drawing.curves import Point


@dataclass(frozen=True, slots=True)
class Frame:
    """Origin in pixels, pixels per unit, a turn in radians, and -1 to mirror; y grows downwards."""

    x: float
    y: float
    unit: float
    turn: float = 0.0
    flip: int = 1

    def place(self, point: Point) -> Point:
        """The pixel position of a point."""
        return self.place_all([point])[0]

    def place_all(self, points: Sequence[Point]) -> list[Point]:
        """The pixel positions of points, in their order."""
        c, s = cos(self.turn) * self.unit, sin(self.turn) * self.unit
        across, along = c * self.flip, s * self.flip
        return [(self.x + x * across - y * s, self.y + x * along + y * c) for x, y in points]

    def moved(self, right: float, down: float) -> Frame:
        """The same frame seen from another corner of the picture; distances in pixels."""
        return replace(self, x=self.x + right, y=self.y + down)

    def scaled(self, share: float) -> Frame:
        """The same frame on a picture of `share` of the size."""
        return replace(self, x=self.x * share, y=self.y * share, unit=self.unit * share)

    def at(self, point: Point, *, size: float = 1.0, flip: int = 1) -> Frame:
        """A frame with its origin at that point, `size` times as large, mirrored if flip is -1."""
        x, y = self.place(point)
        return Frame(x, y, self.unit * size, self.turn, self.flip * flip)

    def turned_about(self, pivot: Point, angle: float) -> Frame:
        """The frame turned by `angle` radians so that `pivot` stays where it is."""
        turned = replace(self, turn=self.turn + angle)
        (to_x, to_y), (from_x, from_y) = self.place(pivot), turned.place(pivot)
        return turned.moved(to_x - from_x, to_y - from_y)
