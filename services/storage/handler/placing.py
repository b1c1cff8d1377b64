"""Keep signed files under their keys."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from services.storage.ports import Credentials, DerivedFile, Imaging, ObjectMissing, ObjectStore
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

    async def __call__(
        self, files: Sequence[DerivedFile], provenance: Provenance
    ) -> Sequence[bytes]:
        """The bytes that lie there now, file by file. Raises TryLater, GiveUp(object_exists)."""
        try:
            await self.objects.create_all(files)
        except GiveUp as exc:
            if exc.reason != "object_exists":
                raise
            return [await self._kept(file, provenance) for file in files]
        return [file.data for file in files]

    async def _kept(self, file: DerivedFile, provenance: Provenance) -> bytes:
        try:
            await self.objects.create(file.area, file.key, file.data, media_type=file.media_type)
        except GiveUp as exc:
            if exc.reason != "object_exists":
                raise
            earlier = await self._earlier(file)
            if not await self._is_ours(earlier, file, provenance):
                raise
            log.info("delivery.adopted", piece_id=provenance.piece_id, run=provenance.run)
            return earlier
        return file.data

    async def _earlier(self, file: DerivedFile) -> bytes:
        try:
            return await self.objects.read(file.area, file.key)
        except ObjectMissing as exc:
            raise TryLater("what lay under the key has gone") from exc

    async def _is_ours(self, earlier: bytes, file: DerivedFile, provenance: Provenance) -> bool:
        """Whether it was derived from the same bytes, by what it tells and by what it shows."""
        told = await self.credentials.read(earlier, file.media_type)
        if told is None or not told.is_of_same_source(provenance):
            return False
        return await self.imaging.look_alike(earlier, file.data)
