"""Look after pieces that nobody may be working on."""

from dataclasses import dataclass

import structlog

from services.ledger.ports import OverdueBook, Queues, ReviewBook

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SweepPieces:
    """One round ends what is overdue and asks again for what got lost. Units: seconds."""

    book: OverdueBook
    reviews: ReviewBook
    queues: Queues
    grace_s: float
    quiet_s: float

    async def __call__(self) -> None:
        """Sweep, if no other replica does. Raises TryLater."""
        async with self.book.alone() as alone:
            if not alone:
                return
            while ended := await self.book.end_overdue(grace_s=self.grace_s):
                log.warning("sweep.overdue", pieces=ended)
            while expired := await self.reviews.reject_expired():
                log.warning("sweep.expired_reviews", pieces=expired)
            if lost := await self.book.forget_lost_calls():
                log.warning("sweep.lost_calls", attempts=lost)
            await self._request_lost_again()

    async def _request_lost_again(self) -> None:
        for piece in await self.book.stalled(quiet_s=self.quiet_s):
            # A long queue is no stall: another request would only go to its end.
            if await self.queues.hold(piece):
                continue
            if await self.book.request_again(piece):
                log.warning("sweep.requested_again", piece_id=piece.piece_id, run=piece.run + 1)
