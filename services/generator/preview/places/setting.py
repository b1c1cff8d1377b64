"""What every scene is told: its brush, its lines, its light and its dice."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.preview.drawing.brush import Brush
from services.generator.preview.drawing.colour import Colour, darker, lighter
from services.generator.preview.drawing.curves import Point
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.light import Light


@dataclass(frozen=True, slots=True)
class Setting:
    """A place to paint. The unit is the picture's height; x is 0 in the middle, y at the top."""

    brush: Brush
    edge: float  # x of the right edge
    floor: float  # y where an indoor wall meets the floor; beyond 1 it is out of sight
    horizon: float  # y of the horizon outdoors
    blur: float  # of what is far away
    light: Light
    dice: Dice

    def across(self, count: int) -> list[float]:
        """The middles of `count` equal parts of the width, from left to right."""
        return [self.edge * (2 * (index + 0.5) / count - 1) for index in range(count)]

    def somewhere(self, name: str, top: float, low: float) -> Point:
        """A point between two heights, as the dice fall for that name."""
        x = self.dice.between(f"{name} x", -self.edge, self.edge)
        return x, self.dice.between(f"{name} y", top, low)

    def sky(self) -> None:
        """Cover everything with the hour's sky and let it shine on the lit side."""
        high, low = self.light.sky_high, self.light.sky_low
        self.brush.wash((low, low, low, low))
        self.brush.wash((high, high, low, low), share=self.horizon)
        sun = (self.edge * 0.7 * self.light.side, self.horizon)
        self.brush.glow(sun, (0.9, 0.6), lighter(low, 0.4), 0.7)

    def wall(self, colour: Colour) -> None:
        """Cover everything with a wall that is brighter on the lit side."""
        lit, far = lighter(colour, 0.14), darker(colour, 0.20)
        left, right = (lit, far) if self.light.side < 0 else (far, lit)
        self.brush.wash((left, right, darker(left, 0.10), darker(right, 0.14)))

    def ground(self, colour: Colour, top: float) -> None:
        """The floor or ground from `top` to the lower edge, darker towards the viewer."""
        span = 1.02 - top
        for step in range(8 if span > 0 else 0):
            y = top + span * step / 8
            self.brush.block((-self.edge, y), (self.edge, 1.05), darker(colour, 0.045 * step))

    def bokeh(self, colours: Sequence[Colour], count: int, top: float, low: float) -> None:
        """Lights out of focus between two heights."""
        for index in range(count):
            spot = self.somewhere(f"bokeh{index}", top, low)
            size = self.dice.between(f"bokeh{index} size", 0.012, 0.042)
            colour = self.dice.pick(f"bokeh{index} colour", colours)
            self.brush.oval(spot, (size, size), lighter(colour, 0.2), 0.30)
            self.brush.oval(spot, (size * 0.82, size * 0.82), colour, 0.40)

    def tower(
        self, low: float, wide: float, top: float, tone: Colour, glass: Sequence[Colour]
    ) -> None:
        """A building from x = `low`, down to the lower edge, with windows in the given colours."""
        self.brush.block((low, top), (low + wide, 1.05), tone)
        self.brush.block((low + wide * 0.72, top), (low + wide, 1.05), darker(tone, 0.18))
        columns, rows = max(2, int(wide / 0.034)), int((1.0 - top) / 0.044)
        for cell in range(columns * rows):
            x = low + wide * (cell % columns + 0.25) / columns
            y = top + 0.024 + (cell // columns) * 0.044
            colour = self.dice.pick(f"window {low:.3f} {cell}", glass)
            self.brush.block((x, y), (x + wide / columns * 0.5, y + 0.026), colour, 0.85)
