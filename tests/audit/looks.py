"""What pictures show, small and grey: whether two are alike, and the print of a picture.

The print is that of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions"
(2010): 32×32 grey, a DCT-II, its 8×8 lowest frequencies without the constant ones against their
median.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

SIDE = 32
LOW = 8
DRAFT = (4 * SIDE, 4 * SIDE)
MOST_APART = 5.0
"""Steps of grey, of 255, on average. Encoding at any quality that is in use makes less than 2."""
MOST_BITS = 12
"""Of 64. Two pictures that have nothing to do with each other differ in about 32."""


@dataclass(frozen=True, slots=True)
class Look:
    """A picture of 32×32 greys, row by row; None is the look of what is no picture."""

    grey: bytes


def look_at(data: bytes) -> Look | None:
    """What these bytes show."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            image.draft("L", DRAFT)
            small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError):
        return None
    return Look(small.tobytes())


def are_alike(one: Look, other: Look) -> bool:
    """Whether two looks may be of the same picture, encoded differently."""
    return float(np.abs(_greys(one) - _greys(other)).mean()) <= MOST_APART


def has_print(look: Look, image_print: str) -> bool:
    """Whether a picture may be the one that this print, in hex, was taken of."""
    return (int(_print(look), 16) ^ int(image_print, 16)).bit_count() <= MOST_BITS


def _print(look: Look) -> str:
    row, column = np.arange(SIDE)[:, None], np.arange(SIDE)[None, :]
    waves = np.cos(np.pi * (2 * column + 1) * row / (2 * SIDE))
    low = (waves @ _greys(look) @ waves.T)[1 : LOW + 1, 1 : LOW + 1].ravel()
    return np.packbits(low > np.median(low)).tobytes().hex()


def _greys(look: Look) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    greys = np.frombuffer(look.grey, dtype=np.uint8).astype(np.float64)
    return greys.reshape(SIDE, SIDE)
