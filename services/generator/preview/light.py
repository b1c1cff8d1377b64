"""The light of a scene: where it comes from, its colour, and the colour of the sky."""

from dataclasses import dataclass
from enum import StrEnum, auto

from PIL import Image, ImageChops

from services.generator.preview.drawing.colour import Colour, mix
from services.generator.preview.drawing.gradient import four_corners


class Hour(StrEnum):
    """The time of day."""

    MORNING = auto()
    NOON = auto()
    GOLDEN = auto()
    DUSK = auto()
    NIGHT = auto()


@dataclass(frozen=True, slots=True)
class Light:
    """What falls on everything in the picture. `side` is where it comes from: -1 left, 1 right."""

    hour: Hour
    side: int
    sky_high: Colour
    sky_low: Colour
    key: Colour  # grading colour on the lit side; mid-grey changes nothing
    fill: Colour  # grading colour on the far side
    rim: Colour  # the bright edge on hair and shoulders

    def graded(self, picture: Image.Image) -> Image.Image:
        """The picture with all of it tinted by one light: figure and scene belong together."""
        middle = mix(self.key, self.fill, 0.5)
        lit, far = (self.key, self.fill) if self.side < 0 else (self.fill, self.key)
        low = (mix(lit, middle, 0.5), mix(far, middle, 0.5))
        return ImageChops.soft_light(picture, four_corners((lit, far, *low), picture.size))


_SKIES: dict[Hour, tuple[Colour, Colour]] = {
    Hour.MORNING: ((142, 192, 224), (250, 226, 208)),
    Hour.NOON: ((92, 166, 222), (206, 232, 242)),
    Hour.GOLDEN: ((128, 152, 196), (255, 204, 138)),
    Hour.DUSK: ((70, 62, 118), (244, 148, 118)),
    Hour.NIGHT: ((14, 20, 46), (58, 52, 98)),
}
_GRADES: dict[Hour, tuple[Colour, Colour, Colour]] = {
    Hour.MORNING: ((154, 144, 134), (122, 126, 138), (255, 244, 226)),
    Hour.NOON: ((150, 150, 144), (122, 126, 134), (255, 252, 240)),
    Hour.GOLDEN: ((172, 146, 108), (118, 110, 122), (255, 214, 150)),
    Hour.DUSK: ((164, 124, 124), (100, 98, 134), (255, 176, 150)),
    Hour.NIGHT: ((136, 126, 150), (94, 96, 126), (164, 190, 255)),
}


def light_at(hour: Hour, side: int) -> Light:
    """The light of that hour, from that side."""
    key, fill, rim = _GRADES[hour]
    high, low = _SKIES[hour]
    return Light(hour=hour, side=side, sky_high=high, sky_low=low, key=key, fill=fill, rim=rim)
