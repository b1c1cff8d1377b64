"""Decoding and thumbnails with Pillow, in threads."""

import asyncio
import io
import warnings

from PIL import Image, UnidentifiedImageError

from services.storage.ports import Picture
from shared.content import MAX_IMAGE_PIXELS
from shared.outcomes import GiveUp

THUMBNAIL_PX = 384
_DECODED_AT_ONCE = 2
_KNOWN = {
    "PNG": ("image/png", "png"),
    "JPEG": ("image/jpeg", "jpg"),
    "WEBP": ("image/webp", "webp"),
}


class PillowImaging:
    """Thumbnails fit a square of 384 px and keep the aspect ratio."""

    def __init__(self) -> None:
        # More hands than cores would only hold more.
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)

    async def look(self, image: bytes) -> Picture:
        async with self._decoding:
            return await asyncio.to_thread(_look, image)


def _look(data: bytes) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(_KNOWN)) as image:
                width, height = image.size
                if width * height > MAX_IMAGE_PIXELS:
                    raise GiveUp("invalid_image", f"{width}x{height} pixels are too many")
                media_type, extension = _KNOWN[image.format or ""]
                thumbnail = _thumbnail(image)
    except (
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
        OSError,
        SyntaxError,
        ValueError,
    ) as exc:
        raise GiveUp("invalid_image", f"undecodable: {type(exc).__name__}") from exc
    return Picture(
        media_type=media_type,
        extension=extension,
        width=width,
        height=height,
        thumbnail_jpeg=thumbnail,
    )


def _thumbnail(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()
