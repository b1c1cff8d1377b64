"""Leave nothing behind: staging after a piece's end, files that lost or whose avatar is gone."""

from collections import defaultdict
from dataclasses import dataclass

import structlog

from services.storage.domain import (
    IN_REVIEW,
    beginning_of_delivery,
    beginning_of_keys,
    is_of_delivery,
)
from services.storage.ports import Ended, ObjectStore
from shared.blobs import BlobStore
from shared.events import (
    ContentFailed,
    ContentPersisted,
    ContentRejected,
    DeliveryWithdrawn,
    PieceEnded,
)

log = structlog.get_logger(__name__)

_ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ClearAfterEnd:
    """Forget what a piece that has ended needs no more: private bytes, files of other runs."""

    staging: BlobStore
    objects: ObjectStore

    async def __call__(self, event: PieceEnded) -> None:
        for ref in event.staged:
            if not ref.uri.startswith(IN_REVIEW):
                await self.staging.delete(ref)
        # A delivery that lost is withdrawn, unless the fact that told of it was lost as well; what
        # was held for review goes with its decision.
        if event.run > 1 or isinstance(event, ContentFailed | ContentRejected):
            await self._delete_other_files(event)

    async def _delete_other_files(self, event: PieceEnded) -> None:
        delivered = event.object_key if isinstance(event, ContentPersisted) else None
        for key in await self.objects.keys(beginning_of_keys(event.avatar_id, event.piece_id)):
            if delivered is None or not is_of_delivery(key, delivered):
                await self.objects.delete(key)


@dataclass(frozen=True, slots=True)
class WithdrawDelivery:
    """Delete files that must no longer be served, and what lies beside them."""

    objects: ObjectStore

    async def __call__(self, event: DeliveryWithdrawn) -> None:
        for key in event.object_keys:
            await self.objects.delete(key)
        for beginning in {beginning_of_delivery(key) for key in event.object_keys}:
            for key in await self.objects.keys(beginning):
                await self.objects.delete(key)


@dataclass(frozen=True, slots=True)
class SweepLeftovers:
    """One round removes what no event brings to mind any more.

    A broker that was killed may bring back what it had deleted, a twin may come after the end of
    its piece, and a process that dies leaves half a file.
    """

    staging: BlobStore
    objects: ObjectStore
    ended: Ended

    async def __call__(self) -> None:
        """Sweep. Raises TryLater."""
        by_piece: defaultdict[str, list[str]] = defaultdict(list)
        for name in await self.staging.names():
            by_piece[name.partition("/")[0]].append(name)
        piece_ids = sorted(by_piece)
        for start in range(0, len(piece_ids), _ASKED_AT_ONCE):
            for piece_id in await self.ended(piece_ids[start : start + _ASKED_AT_ONCE]):
                for name in by_piece[piece_id]:
                    await self.staging.forget(name)
                    log.info("sweep.staged", piece_id=piece_id)
        if unfinished := await self.objects.clear_unfinished():
            log.info("sweep.unfinished", files=unfinished)
