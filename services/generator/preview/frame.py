"""Where a drawing's own coordinates lie on the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, sin

from services.generator.preview.curves import Point


@dataclass(frozen=True, slots=True)
class Frame:
    """Origin in pixels, pixels per unit, and a turn in radians; y grows downwards."""

    x: float
    y: float
    unit: float
    turn: float = 0.0

    def place(self, point: Point) -> Point:
        """The pixel position of a point."""
        across, down = point[0] * self.unit, point[1] * self.unit
        c, s = cos(self.turn), sin(self.turn)
        return self.x + across * c - down * s, self.y + across * s + down * c

    def moved(self, right: float, down: float) -> Frame:
        """The same frame seen from another corner of the picture; distances in pixels."""
        return replace(self, x=self.x + right, y=self.y + down)

    def scaled(self, share: float) -> Frame:
        """The same frame on a picture of `share` of the size."""
        return Frame(self.x * share, self.y * share, self.unit * share, self.turn)

    def at(self, point: Point) -> Frame:
        """The frame with its origin at that point."""
        x, y = self.place(point)
        return replace(self, x=x, y=y)

    def turned_about(self, pivot: Point, angle: float) -> Frame:
        """The frame turned by `angle` radians so that `pivot` stays where it is."""
        fixed = self.place(pivot)
        turned = replace(self, turn=self.turn + angle)
        there = turned.place(pivot)
        return turned.moved(fixed[0] - there[0], fixed[1] - there[1])
