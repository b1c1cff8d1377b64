"""Is it an image, and the one that was ordered? Looked at with Pillow, in threads."""

import asyncio
import io
import warnings

from PIL import Image, ImageChops, ImageStat, UnidentifiedImageError

from services.generator.domain.failures import ProviderFailure
from services.generator.ports import MadeImage
from shared.content import Brief

MOST_BYTES = 32 * 2**20
_MAX_PIXELS = 1536 * 1536
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_LOOKED_AT_ONCE = 2  # a decoded image takes ten times its file

# Steps of grey, of 255. The darkest photograph we know keeps a deviation of 6 at this size.
_LEAST_DEVIATION = 1.0
_ALL_BLACK = 2
# Neighbouring pixels of a picture are alike: their correlation is 0.8 and more, also where it is
# grainy. That of noise is 0, and of noise that a decoder has smoothed below 0.3.
_LEAST_LIKENESS = 0.3
_LEAST_NOISE = 8.0
_PATCH_PX = 256


class PillowGate:
    """Looks at every image before it counts as generated. See `check_image`."""

    def __init__(self) -> None:
        self._looking = asyncio.Semaphore(_LOOKED_AT_ONCE)

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        async with self._looking:
            return await asyncio.to_thread(check_image, made.data, brief.width, brief.height)


def check_image(data: bytes, width: int, height: int) -> str:
    """Media type of a whole, right-sized image that shows something. Raises ProviderFailure.

    Refused with BAD_RESPONSE: what does not decode, has another size, more than one frame, more
    than 32 MiB or transparent parts; what is black, of one colour, or noise.
    """
    if len(data) > MOST_BYTES:
        raise _garbage(f"more than {MOST_BYTES} bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as image:
                _check_form(image, width, height)
                media_type = _MEDIA_TYPES[image.format or ""]
                grey = image.convert("L")
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ) as exc:
        raise _garbage(f"undecodable: {type(exc).__name__}") from exc
    _check_content(grey)
    return media_type


def _check_form(image: Image.Image, width: int, height: int) -> None:
    # Before a pixel is decoded: a few bytes may claim any size.
    if image.size != (width, height) or width * height > _MAX_PIXELS:
        raise _garbage(f"{image.width}x{image.height} instead of {width}x{height}")
    if getattr(image, "n_frames", 1) > 1:
        raise _garbage("more than one frame")
    if image.has_transparency_data and _alpha(image) != (255, 255):
        raise _garbage("partly transparent")


def _check_content(grey: Image.Image) -> None:
    brightest = grey.getextrema()[1]
    if isinstance(brightest, int | float) and brightest <= _ALL_BLACK:
        raise _garbage("all black")
    if ImageStat.Stat(grey.reduce(max(1, grey.width // _PATCH_PX))).stddev[0] < _LEAST_DEVIATION:
        raise _garbage("blank")
    if all(_is_noise(patch) for patch in _patches(grey)):
        raise _garbage("noise")


def _patches(grey: Image.Image) -> list[Image.Image]:
    """The four quarters' middles, at full size: scaling would smooth noise."""
    side = min(_PATCH_PX, grey.width // 2, grey.height // 2)
    return [
        grey.crop((left, top, left + side, top + side))
        for left in ((grey.width // 2 - side) // 2, grey.width // 2)
        for top in ((grey.height // 2 - side) // 2, grey.height // 2)
    ]


def _is_noise(patch: Image.Image) -> bool:
    """Whether neighbours have nothing to do with each other.

    The correlation at lag one, from the mean square of neighbours' differences d over twice the
    variance v: r = 1 - d / 2v.
    """
    variance = ImageStat.Stat(patch).var[0]
    if variance < _LEAST_NOISE**2:
        return False
    width, height = patch.size
    beside = ImageChops.difference(
        patch.crop((1, 0, width, height)), patch.crop((0, 0, width - 1, height))
    )
    squares = ImageStat.Stat(beside)
    mean_square = squares.sum2[0] / squares.count[0]
    return 1 - mean_square / (2 * variance) < _LEAST_LIKENESS


def _alpha(image: Image.Image) -> object:
    return image.convert("RGBA").getchannel("A").getextrema()


def _garbage(detail: str) -> ProviderFailure:
    return ProviderFailure("BAD_RESPONSE", detail)
