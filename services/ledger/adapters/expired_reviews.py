"""Reviews for which nobody has found the time."""

from datetime import timedelta

from sqlalchemy import func, select

from services.ledger.adapters.approvals import note_decision
from services.ledger.adapters.conditions import WAITING
from services.ledger.adapters.database import Database
from services.ledger.adapters.moderation_log import note_action
from services.ledger.adapters.rejecting import reject_held
from services.ledger.adapters.schema import pieces
from services.ledger.domain.reviews import REVIEW_EXPIRED, SYSTEM, Decided
from shared.events import ContentStored

_BATCH = 50
_NOBODY = "Nobody has decided in time."


class ExpiredReviews:
    """The sweeper's view of the book of reviews."""

    def __init__(self, database: Database, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    async def reject_expired(self) -> int:
        """Reject some of those that were held for longer than they are kept; how many."""
        limit = func.clock_timestamp() - self._retention
        async with self._database.write() as transaction:
            found = await transaction.connection.execute(
                select(pieces)
                .where(WAITING, pieces.c.held_at < limit)
                .order_by(pieces.c.held_at)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            rows = found.mappings().all()
            for row in rows:
                held = ContentStored.model_validate(row["held"])
                decision = Decided("reject", SYSTEM, reason=_NOBODY)
                await note_decision(transaction.connection, held, decision)
                await note_action(
                    transaction.connection,
                    row,
                    action="review_expire",
                    by=SYSTEM,
                    reason=REVIEW_EXPIRED,
                )
                await reject_held(transaction, row, reason=REVIEW_EXPIRED, detail=_NOBODY)
        return len(rows)
