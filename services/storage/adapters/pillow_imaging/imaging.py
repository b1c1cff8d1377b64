"""The port `Imaging`: what is done with pixels, in threads, few at a time."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from PIL import Image, ImageChops, ImageStat

from services.storage.adapters.pillow_imaging.decoding import decode
from services.storage.adapters.pillow_imaging.encoding import (
    FORMS,
    Form,
    encode,
    encode_thumbnail,
)
from services.storage.domain import DeliveryFormat
from services.storage.ports import Copies, Picture

_COMPARED_PX = 64
# Steps of grey, of 255. Encoding the same pixels at any quality makes up to 4 at this size.
_MOST_DEVIATION = 8.0

P = ParamSpec("P")
T = TypeVar("T")


class PillowImaging:
    """Copies have the size of their image; thumbnails fit a square of 384 px."""

    def __init__(
        self,
        copy_format: DeliveryFormat = DeliveryFormat.JPEG,
        quality: int = 90,
        *,
        at_once: int = 2,
    ) -> None:
        self._copy_format = copy_format
        self._quality = quality
        # Each takes ten times its file: more hands than cores would only hold more.
        self._permits = asyncio.Semaphore(at_once)

    async def look(self, image: bytes) -> Picture:
        return await self._in_thread(_look, image)

    async def derive(self, image: bytes, finish: Callable[[Copies], T]) -> T:
        return await self._in_thread(lambda: finish(self._derive(image)))

    async def look_alike(self, one: bytes, other: bytes) -> bool:
        return await self._in_thread(_look_alike, one, other)

    async def _in_thread(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._permits:
            return await asyncio.to_thread(act, *args, **kwargs)

    def _derive(self, data: bytes) -> Copies:
        name, pixels = decode(data)
        source = FORMS[name]
        return Copies(
            image=encode(pixels, self._form(source), self._quality),
            thumbnail=encode_thumbnail(pixels),
            source_media_type=source.media_type,
            source_extension=source.extension,
        )

    def _form(self, source: Form) -> Form:
        if self._copy_format is DeliveryFormat.ORIGINAL:
            return source
        return FORMS[self._copy_format.upper()]


def _look(data: bytes) -> Picture:
    name, pixels = decode(data)
    form = FORMS[name]
    return Picture(
        media_type=form.media_type,
        extension=form.extension,
        width=pixels.width,
        height=pixels.height,
        thumbnail_jpeg=encode_thumbnail(pixels).data,
    )


def _look_alike(one: bytes, other: bytes) -> bool:
    (_, first), (_, second) = decode(one), decode(other)
    if first.size != second.size:
        return False
    small = (_COMPARED_PX, _COMPARED_PX)
    apart = ImageChops.difference(
        first.resize(small, Image.Resampling.BOX), second.resize(small, Image.Resampling.BOX)
    )
    return max(ImageStat.Stat(apart).mean) <= _MOST_DEVIATION
