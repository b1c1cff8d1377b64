"""What changes from picture to picture of one avatar: framing, stance, clothes and light."""

from dataclasses import dataclass
from enum import StrEnum, auto
from math import radians

from services.generator.preview.drawing.colour import Colour
from services.generator.preview.drawing.dice import Dice
from services.generator.preview.drawing.frame import Frame
from services.generator.preview.light import Hour, Light, light_at


class Framing(StrEnum):
    """How much of the person is in the picture."""

    CLOSEUP = auto()
    HALF = auto()
    FULL = auto()


class Garment(StrEnum):
    """What is worn above the waist."""

    TEE = auto()
    SWEATER = auto()
    TURTLENECK = auto()
    SHIRT = auto()
    BLAZER = auto()
    HOODIE = auto()


class Arm(StrEnum):
    """What one arm does."""

    RELAXED = auto()
    POCKET = auto()
    HIP = auto()


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """What a scene's people wear and when it is seen."""

    garments: tuple[Garment, ...]
    colours: tuple[Colour, ...]
    hours: tuple[Hour, ...]


@dataclass(frozen=True, slots=True)
class Pose:
    """One composition. Angles in radians; `look` is the turn of the head, -1 left to 1 right."""

    framing: Framing
    offset: float  # of the figure from the middle, as a share of the width
    lean: float
    tilt: float
    look: float
    open_smile: bool
    arms: tuple[Arm, Arm]  # at the picture's left and right
    garment: Garment
    cloth: Colour
    under: Colour
    trousers: Colour
    light: Light

    def frame(self, width: int, height: int) -> Frame:
        """Where the figure is: the origin is the middle of the face, the unit half its width."""
        heads, high = _LAYOUT[self.framing]
        unit = min(height / heads, width / (heads * _NARROWEST[self.framing]))
        # Hung from the lower edge: a tall picture must not show where the figure ends.
        return Frame(
            width * (0.5 + self.offset), height - unit * heads * (1 - high), unit, self.lean
        )


_LAYOUT: dict[Framing, tuple[float, float]] = {
    Framing.CLOSEUP: (5.2, 0.46),
    Framing.HALF: (8.6, 0.33),
    Framing.FULL: (21.8, 0.125),
}
_NARROWEST: dict[Framing, float] = {Framing.CLOSEUP: 0.8, Framing.HALF: 0.68, Framing.FULL: 0.36}
_LINENS: tuple[Colour, ...] = ((244, 240, 232), (232, 226, 216), (58, 60, 70), (224, 230, 236))
_TROUSERS: tuple[Colour, ...] = (
    (52, 62, 86),
    (44, 44, 52),
    (178, 158, 132),
    (92, 108, 134),
    (74, 70, 62),
)


def pose(scene: str, wardrobe: Wardrobe, framing: Framing, seed: int) -> Pose:
    """The composition that belongs to a scene, framing and seed."""
    dice = Dice(f"pose/{scene}/{framing}/{seed}")
    look = dice.between("look", -1, 1)
    return Pose(
        framing=framing,
        offset=dice.between("offset", -0.05, 0.05),
        lean=radians(dice.between("lean", -1.5, 1.5)),
        tilt=radians(dice.between("tilt", -5, 5)),
        look=look,
        open_smile=dice.chance("open smile", 0.5),
        arms=(dice.pick("left arm", tuple(Arm)), dice.pick("right arm", (Arm.RELAXED, Arm.POCKET))),
        garment=dice.pick("garment", wardrobe.garments),
        cloth=dice.pick("cloth", wardrobe.colours),
        under=dice.pick("under", _LINENS),
        trousers=dice.pick("trousers", _TROUSERS),
        light=light_at(dice.pick("hour", wardrobe.hours), dice.pick("side", (-1, 1))),
    )
