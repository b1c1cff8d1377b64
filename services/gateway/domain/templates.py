"""What a template is: a way to photograph any avatar, for one tier and some niches."""

import re
from dataclasses import dataclass
from enum import StrEnum

from shared.content import Platform, Tier


class Niche(StrEnum):
    """What an avatar's audience comes for."""

    ART = "art"
    BEAUTY = "beauty"
    FASHION = "fashion"
    FITNESS = "fitness"
    FOOD = "food"
    GAMING = "gaming"
    LIFESTYLE = "lifestyle"
    MUSIC = "music"
    NATURE = "nature"
    TECH = "tech"
    TRAVEL = "travel"
    WELLNESS = "wellness"


class Scene(StrEnum):
    """Where the picture is set; the preview painter knows exactly these backdrops."""

    STUDIO = "studio"
    STREET = "street"
    BEACH = "beach"
    GYM = "gym"
    CAFE = "cafe"
    HOME = "home"
    NATURE = "nature"
    CITY_NIGHT = "city_night"
    STAGE = "stage"
    LIBRARY = "library"
    POOL = "pool"
    ROOFTOP = "rooftop"


class Framing(StrEnum):
    """How much of the person the picture shows."""

    CLOSEUP = "closeup"
    HALF = "half"
    FULL = "full"


class Orientation(StrEnum):
    """The shape of the picture, as its size implies it."""

    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class Template:
    """One way to photograph an avatar; `prompt` continues the avatar's own description.

    Width and height are pixels. `platforms` is None where every platform will do.
    """

    id: str
    version: int
    category: str
    tier: Tier
    niches: frozenset[Niche]
    title: str
    prompt: str
    negative_prompt: str
    scene: Scene
    framing: Framing
    width: int
    height: int
    platforms: frozenset[Platform] | None = None

    @property
    def orientation(self) -> Orientation:
        """Whether the picture stands, lies or is square."""
        if self.width == self.height:
            return Orientation.SQUARE
        return Orientation.LANDSCAPE if self.width > self.height else Orientation.PORTRAIT

    def suits(self, tier: Tier, platform: Platform) -> bool:
        """Whether a piece of this tier may use it on this platform."""
        return self.tier is tier and (self.platforms is None or platform in self.platforms)

    def speaks_to(self, niche: str | None) -> bool:
        """Whether an avatar's niche, in its owner's own words, names one of these niches.

        "Fitness coach" speaks to fitness; a niche that we have no word for speaks to nothing.
        """
        words = re.findall(r"[a-z]+", (niche or "").casefold())
        return not self.niches.isdisjoint(words)
