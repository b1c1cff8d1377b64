"""Sign a copy and keep it under its key."""

from dataclasses import dataclass

import structlog

from services.storage.ports import (
    Area,
    Credentials,
    Encoded,
    Imaging,
    ObjectMissing,
    ObjectStore,
)
from shared.outcomes import GiveUp, TryLater
from shared.provenance import Provenance

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlaceSigned:
    """Two signatures of the same copy differ, and keys are written once.

    Where an earlier try was cut off after its file was kept, that file stays, if it is one of the
    same copy.
    """

    objects: ObjectStore
    imaging: Imaging
    credentials: Credentials

    async def __call__(self, area: Area, key: str, copy: Encoded, provenance: Provenance) -> bytes:
        """The bytes that lie there now. Raises TryLater, GiveUp(object_exists)."""
        signed = await self.credentials.sign(copy, provenance)
        try:
            await self.objects.create(area, key, signed, media_type=copy.media_type)
        except GiveUp as exc:
            if exc.reason != "object_exists":
                raise
            earlier = await self._earlier(area, key)
            if not await self._is_ours(earlier, copy, provenance):
                raise
            log.info("delivery.adopted", piece_id=provenance.piece_id, run=provenance.run)
            return earlier
        return signed

    async def _earlier(self, area: Area, key: str) -> bytes:
        try:
            return await self.objects.read(area, key)
        except ObjectMissing as exc:
            raise TryLater("what lay under the key has gone") from exc

    async def _is_ours(self, earlier: bytes, copy: Encoded, provenance: Provenance) -> bool:
        """Whether it was derived from the same bytes, by what it tells and by what it shows."""
        told = await self.credentials.read(earlier, copy.media_type)
        if told is None or not told.is_of_same_source(provenance):
            return False
        return await self.imaging.look_alike(earlier, copy.data)
