"""Images of exactly the size that was ordered, from vendors who make only some sizes.

Ask for the supported size that comes nearest in shape, then scale the image until it covers the
ordered size and cut off what stands over, evenly on both sides. Nothing is ever stretched.
"""

import io
import warnings
from dataclasses import dataclass
from itertools import product
from math import ceil, floor, log, sqrt
from typing import Protocol

from PIL import Image, ImageOps, UnidentifiedImageError

from services.generator.adapters.image_gate import check_image
from services.generator.domain.failures import ProviderFailure

MOST_CUT_OFF = 0.25
"""At most a quarter of an image is cut off: a square becomes 3 by 4, but not 9 by 16."""

MOST_ENLARGED = 1.6
"""1024 pixels become 1536, but not twice as many."""

_MOST_PX = 1536 * 1536

Size = tuple[int, int]


class Sizes(Protocol):
    """What a model can make."""

    def nearest(self, width: int, height: int) -> Size:
        """The size to ask for, so that least is cut off."""
        ...


@dataclass(frozen=True, slots=True)
class FixedSizes:
    """A model that makes a few sizes."""

    sizes: tuple[Size, ...]

    def nearest(self, width: int, height: int) -> Size:
        return min(self.sizes, key=lambda one: abs(log(one[0] / one[1]) - log(width / height)))


@dataclass(frozen=True, slots=True)
class SizeGrid:
    """A model that makes any size whose edges are multiples of `step`, within limits."""

    step: int
    shortest: int
    longest: int
    least_px: int = 0

    def nearest(self, width: int, height: int) -> Size:
        scale = max(1.0, sqrt(self.least_px / (width * height)), self.shortest / min(width, height))
        scale = min(scale, self.longest / max(width, height))
        possible = (
            one
            for one in product(self._around(width * scale), self._around(height * scale))
            if one[0] * one[1] >= self.least_px
        )
        # As much of it as of any other: then the larger one, which need not be enlarged.
        return min(
            possible,
            key=lambda one: (round(cut_off(one, (width, height)), 3), -one[0] * one[1]),
        )

    def _around(self, edge: float) -> set[int]:
        steps = floor(edge / self.step), ceil(edge / self.step)
        return {min(max(count * self.step, self.shortest), self.longest) for count in steps}


def cut_off(made: Size, ordered: Size) -> float:
    """The share of an image, 0 to 1, that does not fit the shape of the order."""
    scale = enlarged(made, ordered)
    return 1 - ordered[0] * ordered[1] / (made[0] * made[1] * scale**2)


def enlarged(made: Size, ordered: Size) -> float:
    """How many times larger an image has to be to cover the order; below 1: smaller."""
    return max(ordered[0] / made[0], ordered[1] / made[1])


def fits(made: Size, ordered: Size) -> bool:
    """Whether an image can become the order within `MOST_CUT_OFF` and `MOST_ENLARGED`."""
    return cut_off(made, ordered) <= MOST_CUT_OFF and enlarged(made, ordered) <= MOST_ENLARGED


def fit(data: bytes, width: int, height: int) -> bytes:
    """The encoded image as one of this size; what has it is not touched. To be run in a thread.

    Raises ProviderFailure: BAD_RESPONSE, where that would cut off or enlarge too much, and for
    whatever the gate would refuse. It is looked at before scaling hides what is wrong with it.
    """
    made = _claimed_size(data)
    if made == (width, height):
        return data
    if made[0] * made[1] > _MOST_PX or not fits(made, (width, height)):
        raise _garbage(f"{made[0]}x{made[1]} instead of {width}x{height}")
    check_image(data, *made)
    with Image.open(io.BytesIO(data)) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    fitted.save(encoded, "PNG")
    return encoded.getvalue()


def _claimed_size(data: bytes) -> Size:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
                return image.size
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ) as exc:
        raise _garbage(f"undecodable: {type(exc).__name__}") from exc


def _garbage(detail: str) -> ProviderFailure:
    return ProviderFailure("BAD_RESPONSE", detail)
