"""From bytes of others to plain pixels: upright, in sRGB, with nothing beside them."""

import contextlib
import io
import struct

from PIL import ExifTags, Image, UnidentifiedImageError

from services.storage.adapters.pillow_imaging.colours import in_srgb
from services.storage.domain import MOST_IMAGE_BYTES
from shared.content import MAX_IMAGE_PIXELS
from shared.outcomes import GiveUp

_FORMATS = ("PNG", "JPEG", "WEBP")
_UNDECODABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
    OSError,
    SyntaxError,
    ValueError,
)
# What a reader of EXIF stumbles over when it is not EXIF.
_NO_EXIF = (
    *(OSError, SyntaxError, ValueError, TypeError),
    *(LookupError, EOFError, struct.error),
)
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes) -> tuple[str, Image.Image]:
    """Pillow's name of the format, and the pixels in RGB. Raises GiveUp(invalid_image)."""
    if len(data) > MOST_IMAGE_BYTES:
        raise _invalid(f"more than {MOST_IMAGE_BYTES} bytes")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_form(image)
            return image.format or "", _plain(image)
    except _UNDECODABLE as exc:
        raise _invalid(f"undecodable: {type(exc).__name__}") from exc


def _check_form(image: Image.Image) -> None:
    # Before a pixel is decoded: a few bytes may claim any size.
    width, height = image.size
    if width * height > MAX_IMAGE_PIXELS:
        raise _invalid(f"{width}x{height} pixels are too many")
    if image.mode.startswith(("I", "F")):
        raise _invalid(f"the pixels are {image.mode}")
    if getattr(image, "n_frames", 1) > 1:
        raise _invalid("more than one frame")
    # Dropping alpha would show what was hidden when the image was judged.
    if image.has_transparency_data and _alpha(image) != (255, 255):
        raise _invalid("partly transparent")


def _plain(image: Image.Image) -> Image.Image:
    pixels = in_srgb(image)
    # Encoders write comments and profiles that they find here.
    pixels.info = {}
    turn = _UPRIGHT.get(_orientation(image))
    return pixels if turn is None else pixels.transpose(turn)


def _orientation(image: Image.Image) -> int:
    with contextlib.suppress(*_NO_EXIF):
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _alpha(image: Image.Image) -> object:
    return image.convert("RGBA").getchannel("A").getextrema()


def _invalid(detail: str) -> GiveUp:
    return GiveUp("invalid_image", detail)
