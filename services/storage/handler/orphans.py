"""Rounds that look for what no event will bring to mind: old files without a piece."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from services.storage.domain import DELIVERED, piece_of_key
from services.storage.handler.holding import piece_of
from services.storage.ports import Ended, HeldDeliveries, ObjectStore, Strays, Unowned
from shared.calls import PieceRef

log = structlog.get_logger(__name__)

_ASKED_AT_ONCE = 500
# After that its source has left staging as well.
_HELD_AT_MOST_S = 48 * 3600.0


@dataclass(slots=True)
class CollectOrphans:
    """One round removes delivered files that no piece has; it counts them in `removed`.

    A delivery that was cut off between its files leaves some, and so does one whose fact was lost.
    Of an upload that was cut off it ends what was begun, and removes the copy that is left over.
    """

    objects: ObjectStore
    unowned: Unowned
    upload: Callable[[PieceRef], Awaitable[object]]
    grace_s: float
    removed: int = field(default=0, init=False)

    async def __call__(self) -> None:
        """Look at every file. Raises TryLater."""
        async for page in self.objects.old_files(DELIVERED, older_than_s=self.grace_s):
            for start in range(0, len(page), _ASKED_AT_ONCE):
                await self._settle(await self.unowned(page[start : start + _ASKED_AT_ONCE]))

    async def _settle(self, strays: Strays) -> None:
        for key in strays.unowned:
            await self.objects.delete(key)
            self._note(key)
        for file in strays.elsewhere:
            await self.objects.delete_from(file.area, file.key)
            self._note(file.key)
        for piece in strays.unfinished:
            log.warning("orphans.upload_unfinished", piece_id=piece.piece_id)
            await self.upload(piece)

    def _note(self, key: str) -> None:
        self.removed += 1
        log.warning("orphans.removed", piece_id=piece_of_key(key))


@dataclass(frozen=True, slots=True)
class SweepHeld:
    """One round forgets what waits to be uploaded for pieces that have ended."""

    held: HeldDeliveries
    ended: Ended

    async def __call__(self) -> None:
        """Sweep. Raises TryLater."""
        by_piece: defaultdict[str, list[str]] = defaultdict(list)
        for name in await self.held.names():
            by_piece[piece_of(name)].append(name)
        piece_ids = sorted(by_piece)
        gone = set(await self.held.names(older_than_s=_HELD_AT_MOST_S))
        for start in range(0, len(piece_ids), _ASKED_AT_ONCE):
            for piece_id in await self.ended(piece_ids[start : start + _ASKED_AT_ONCE]):
                gone.update(by_piece[piece_id])
        for name in gone:
            await self.held.drop(name)
            log.info("sweep.held", piece_id=piece_of(name))
        if unfinished := await self.held.clear_unfinished():
            log.info("sweep.unfinished_held", deliveries=unfinished)
