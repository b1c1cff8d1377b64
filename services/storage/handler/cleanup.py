"""Leave nothing behind: staging after a piece's end, files that lost or whose avatar is gone."""

from dataclasses import dataclass

from services.storage.ports import ObjectStore
from shared.blobs import BlobStore
from shared.events import DeliveryWithdrawn, PieceEnded


@dataclass(frozen=True, slots=True)
class ClearStaging:
    """Forget the private bytes of a piece that has ended."""

    staging: BlobStore

    async def __call__(self, event: PieceEnded) -> None:
        for ref in event.staged:
            await self.staging.delete(ref)


@dataclass(frozen=True, slots=True)
class WithdrawDelivery:
    """Delete files that must no longer be served."""

    objects: ObjectStore

    async def __call__(self, event: DeliveryWithdrawn) -> None:
        for key in event.object_keys:
            await self.objects.delete(key)
