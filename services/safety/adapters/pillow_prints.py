"""Perceptual hashes with Pillow and numpy, in threads.

The hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010),
known from Krawetz' "Looks Like It": 32×32 grey, a two-dimensional DCT-II, its 8×8 lowest
frequencies without the constant ones against their median.
"""

import asyncio
import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from shared.content import MAX_IMAGE_PIXELS, ImagePrint
from shared.outcomes import GiveUp

_SIDE = 32
_BITS_A_SIDE = 8
_DRAFT = (_SIDE * 4, _SIDE * 4)
_DECODED_AT_ONCE = 2
_FORMATS = ("PNG", "JPEG", "WEBP")

# What half of the frequencies must have at least, in steps of grey times 32: rounding and
# recoding alone make up to 0.5, and their signs would be chance.
_LEAST_DETAIL = 2.0

Matrix = npt.NDArray[np.float64]


class PillowPrints:
    """Decodes every pixel, so that what has a print, or none for want of detail, is an image."""

    def __init__(self) -> None:
        # Each takes ten times its pixels: more hands than cores would only hold more.
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)

    async def of(self, image: bytes) -> ImagePrint | None:
        async with self._decoding:
            return await asyncio.to_thread(image_print, image)


def image_print(data: bytes) -> ImagePrint | None:
    """The print of an image, in the caller's thread. Raises GiveUp(invalid_image)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                grey = _small_grey(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ) as exc:
        raise GiveUp("invalid_image", f"undecodable: {type(exc).__name__}") from exc
    return _hash(grey)


def _small_grey(image: Image.Image) -> Matrix:
    width, height = image.size
    if width * height > MAX_IMAGE_PIXELS:
        raise GiveUp("invalid_image", f"{width}x{height} pixels are too many")
    if image.mode.startswith(("I", "F")):
        # Judges and viewers would make different greys of it.
        raise GiveUp("invalid_image", f"the pixels are {image.mode}")
    if getattr(image, "n_frames", 1) > 1:
        # Only the first one would be judged.
        raise GiveUp("invalid_image", "more than one frame")
    if image.has_transparency_data and _alpha(image) != (255, 255):
        # What is seen would depend on what lies behind, and a judge may not look at it that way.
        raise GiveUp("invalid_image", "partly transparent")
    image.draft("L", _DRAFT)  # a JPEG decodes at the scale that is needed; others are not told
    # First the conversion: reducing a palette or transparent pixels would mix what is not shown.
    grey = image.convert("L")
    factors = max(1, grey.width // (2 * _SIDE)), max(1, grey.height // (2 * _SIDE))
    small = grey.reduce(factors).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def _alpha(image: Image.Image) -> object:
    return image.convert("RGBA").getchannel("A").getextrema()


def _hash(grey: Matrix) -> ImagePrint | None:
    low = (_DCT @ grey @ _DCT.T)[1 : _BITS_A_SIDE + 1, 1 : _BITS_A_SIDE + 1].ravel()
    if np.median(np.abs(low)) < _LEAST_DETAIL:
        return None
    bits = low > np.median(low)
    return np.packbits(bits).tobytes().hex()


def _dct_matrix(size: int) -> Matrix:
    """The orthonormal DCT-II: multiplied from both sides it transforms a square."""
    row = np.arange(size)[:, None]
    column = np.arange(size)[None, :]
    matrix: Matrix = np.sqrt(2 / size) * np.cos(np.pi * (2 * column + 1) * row / (2 * size))
    matrix[0] /= np.sqrt(2)
    return matrix


_DCT = _dct_matrix(_SIDE)
