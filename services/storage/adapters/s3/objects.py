"""The object store's port on S3."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from services.storage.adapters.s3.calls import Calls
from services.storage.adapters.s3.layout import Layout, Place
from services.storage.adapters.s3.writing import Content, CreateOnly
from services.storage.domain import IN_REVIEW
from services.storage.ports import Area, DerivedFile, Found
from shared.factlog import utc_now
from shared.outcomes import TryLater

_OPEN = "public, max-age=31536000, immutable"
_CLOSED = "private, no-store"
LONGEST_LINK_S = 7 * 24 * 3600  # what a signature of version 4 may last


class S3Objects:
    """Create-only objects, whole or absent; their area says in which bucket or folder."""

    def __init__(
        self, calls: Calls, writer: CreateOnly, layout: Layout, *, public_url: str | None
    ) -> None:
        self._calls = calls
        self._layout = layout
        self._public_url = (public_url or "").rstrip("/")
        self._writer = writer

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        cached = _OPEN if area is Area.PUBLIC else _CLOSED
        content = await Content.of(data, media_type=media_type, cache_control=cached)
        await self._writer.create(self._layout.place(area, key), content)

    async def create_all(self, files: Sequence[DerivedFile]) -> None:
        for file in files:
            await self.create(file.area, file.key, file.data, media_type=file.media_type)

    async def read(self, area: Area, key: str) -> bytes:
        return await self._writer.read(self._layout.place(area, key))

    async def delete(self, key: str) -> None:
        places = {self._layout.place(area, key) for area in Area}
        await asyncio.gather(*(self._writer.delete(place) for place in places))

    async def delete_from(self, area: Area, key: str) -> None:
        await self._writer.delete(self._layout.place(area, key))

    async def keys(self, prefix: str) -> Collection[str]:
        return {key for area in Area async for page in self._pages(area, prefix) for key, _ in page}

    async def old_files(
        self, prefix: str, *, older_than_s: float
    ) -> AsyncIterator[Sequence[Found]]:
        limit = utc_now() - timedelta(seconds=older_than_s)
        for area in Area:
            async for page in self._pages(area, prefix):
                yield [Found(area, key) for key, changed_at in page if changed_at < limit]

    def link(self, area: Area, key: str) -> str:
        if area is Area.REVIEW:
            return f"{IN_REVIEW}{key}"
        if area is Area.PUBLIC and self._public_url:
            return f"{self._public_url}/{quote(key)}"
        place = self._layout.place(area, key)
        return f"s3://{place.bucket}/{quote(place.key)}"

    async def sign(self, key: str, *, expires_s: int, in_review: bool = False) -> str:
        place = self._layout.place(Area.REVIEW if in_review else Area.PRIVATE, key)
        link: str = await self._calls.presigner().generate_presigned_url(
            "get_object",
            Params={"Bucket": place.bucket, "Key": place.key},
            ExpiresIn=min(expires_s, LONGEST_LINK_S),
        )
        return link

    async def clear_unfinished(self) -> int:
        return 0  # an object appears whole or not at all

    async def free_bytes(self) -> int | None:
        if self._calls.trouble is not None:
            raise TryLater(self._calls.trouble.detail)
        return None

    async def _pages(self, area: Area, prefix: str) -> AsyncIterator[list[tuple[str, datetime]]]:
        """Keys of an area that begin so, with the time of their writing."""
        folder = self._layout.folder_of(area)
        where = Place(self._layout.bucket_of(area), f"{folder}{prefix}")
        async for found in self._listed(where):
            yield [(one["Key"].removeprefix(folder), one["LastModified"]) for one in found]

    async def _listed(self, where: Place) -> AsyncIterator[list[dict[str, Any]]]:
        onward: dict[str, str] = {}
        while True:
            async with self._calls.call() as s3:
                page = await s3.list_objects_v2(Bucket=where.bucket, Prefix=where.key, **onward)
            yield page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            onward = {"ContinuationToken": page["NextContinuationToken"]}
