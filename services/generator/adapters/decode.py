"""Is it an image, and the one that was ordered? Looked at with Pillow, off the event loop."""

import io
import warnings

from PIL import Image, UnidentifiedImageError

from services.generator.domain import ProviderFailure

_MAX_PIXELS = 1536 * 1536
_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def check_image(data: bytes, width: int, height: int) -> str:
    """Media type of a whole, right-sized image that shows something. Raises ProviderFailure."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as image:
                if image.size != (width, height) or width * height > _MAX_PIXELS:
                    raise _garbage(f"{image.width}x{image.height} instead of {width}x{height}")
                if image.has_transparency_data and _alpha(image) != (255, 255):
                    raise _garbage("partly transparent")
                media_type = _MEDIA_TYPES[image.format or ""]
                extrema = image.convert("L").getextrema()
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ) as exc:
        raise _garbage(f"undecodable: {type(exc).__name__}") from exc
    if extrema == (0, 0):
        raise _garbage("all black")
    return media_type


def _alpha(image: Image.Image) -> object:
    return image.convert("RGBA").getchannel("A").getextrema()


def _garbage(detail: str) -> ProviderFailure:
    return ProviderFailure("BAD_RESPONSE", detail)
