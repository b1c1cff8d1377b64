"""What every scene is told: its brush, its lines, its light and its dice; and pieces that scenes share."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.generator.preview.brush import Brush
from services.generator.preview.colour import Colour, darker, lighter
from services.generator.preview.dice import Dice
from services.generator.preview.light import Light


@dataclass(frozen=True, slots=True)
class Setting:
    """A place to paint. The unit is the picture's height; y is 0 at its top, x is 0 in its middle."""

    brush: Brush
    edge: float  # x of the right edge
    floor: float  # y where an indoor wall meets the floor; beyond 1 it is out of sight
    horizon: float  # y of the horizon outdoors
    blur: float  # of what is far away
    light: Light
    dice: Dice

    def sky(self) -> None:
        """Cover everything with the hour's sky and let it shine on the lit side."""
        high, low = self.light.sky_high, self.light.sky_low
        self.brush.wash((low,) * 4)
        self.brush.wash((high, high, low, low), share=self.horizon)
        self.brush.glow((self.edge * 0.7 * self.light.side, self.horizon), (0.9, 0.6), lighter(low, 0.4), 0.7)

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

    def window_light(self) -> None:
        """The slanted bright patches that a window throws on a wall."""
        for column in range(2):
            x = -self.edge * 0.25 * self.light.side + (column * 0.21 - 0.1)
            slant = 0.12 * self.light.side
            pane = [(x, 0.10), (x + 0.18, 0.10), (x + 0.18 - slant, 0.62), (x - slant, 0.62)]
            self.brush.polygon(pane, self.light.rim, 0.16)

    def bokeh(self, colours: Sequence[Colour], count: int, top: float, low: float) -> None:
        """Lights out of focus between two heights."""
        for index in range(count):
            x = self.dice.between(f"bokeh x{index}", -self.edge, self.edge)
            y = self.dice.between(f"bokeh y{index}", top, low)
            size = self.dice.between(f"bokeh size{index}", 0.012, 0.042)
            colour = self.dice.pick(f"bokeh colour{index}", colours)
            self.brush.oval((x, y), (size, size), lighter(colour, 0.2), 0.30)
            self.brush.oval((x, y), (size * 0.82, size * 0.82), colour, 0.40)

    def plant(self, x: float, base: float, size: float, leaf: Colour) -> None:
        """A potted plant with long leaves."""
        pot = [(x - size * 0.22, base - size * 0.35), (x + size * 0.22, base - size * 0.35), (x + size * 0.16, base), (x - size * 0.16, base)]
        for index in range(9):
            spread = (index - 4) / 4
            tip = (x + spread * size * 0.62, base - size * (1.25 - 0.45 * abs(spread)))
            bend = (x + spread * size * 0.30, base - size * 0.95)
            tone = lighter(leaf, 0.18) if index % 2 else darker(leaf, 0.12)
            self.brush.stroke([(x, base - size * 0.33), bend, tip], size * 0.16, tone, ends=(0.4, 0.05))
        self.brush.polygon(pot, (196, 124, 92))

    def palm(self, x: float, base: float, size: float, leaf: Colour) -> None:
        """A palm tree that leans a little."""
        top = (x + size * 0.12, base - size)
        self.brush.stroke([(x, base), (x + size * 0.02, base - size * 0.5), top], size * 0.06, (112, 84, 66), ends=(1.0, 0.6))
        for index in range(7):
            spread = (index - 3) / 3
            tip = (top[0] + spread * size * 0.52, top[1] + size * (0.34 * spread * spread - 0.10))
            bend = (top[0] + spread * size * 0.28, top[1] - size * 0.14)
            tone = lighter(leaf, 0.14) if index % 2 else darker(leaf, 0.1)
            self.brush.stroke([top, bend, tip], size * 0.085, tone, ends=(0.4, 0.05))

    def tower(self, left: float, width: float, top: float, tone: Colour, glass: Sequence[Colour]) -> None:
        """A building down to the lower edge, with a grid of windows in the given colours."""
        self.brush.block((left, top), (left + width, 1.05), tone)
        self.brush.block((left + width * 0.72, top), (left + width, 1.05), darker(tone, 0.18))
        step = 0.034
        columns, rows = max(2, int(width / step)), int((1.0 - top) / (step * 1.3))
        for cell in range(columns * rows):
            x = left + width * (cell % columns + 0.25) / columns
            y = top + step * 0.7 + (cell // columns) * step * 1.3
            colour = self.dice.pick(f"window {left:.3f} {cell}", glass)
            self.brush.block((x, y), (x + width / columns * 0.5, y + step * 0.75), colour, 0.85)

