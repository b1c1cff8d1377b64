"""Delivered bytes, lent to who wants to look at them once more."""

from dataclasses import dataclass

from services.storage.domain import is_delivered_key
from services.storage.ports import Area, ObjectMissing, ObjectStore
from shared.blobs import BlobStore
from shared.calls import LendBytes, LentBytes
from shared.problems import Problem

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
_UNKNOWN = "application/octet-stream"
# What waits for review is lent to nobody. An upload may move a file while we look.
_LENT_FROM = (Area.PUBLIC, Area.PRIVATE, Area.PUBLIC)


@dataclass(frozen=True, slots=True)
class LendDelivered:
    """Copies a delivered object into staging, under a name of the asker's, who deletes it."""

    staging: BlobStore
    objects: ObjectStore

    async def __call__(self, request: LendBytes) -> LentBytes:
        """Raises Problem 404 object_not_found, TryLater."""
        data = await self._read(request.key) if is_delivered_key(request.key) else None
        if data is None:
            raise Problem(404, "object_not_found", "There is no such file.", field="key")
        media_type = _MEDIA_TYPES.get(request.key.rpartition(".")[2], _UNKNOWN)
        image = await self.staging.put(f"{request.name}/1", data, media_type=media_type)
        return LentBytes(image=image)

    async def _read(self, key: str) -> bytes | None:
        for area in _LENT_FROM:
            try:
                return await self.objects.read(area, key)
            except ObjectMissing:
                continue
        return None
