"""Held pieces that are rejected, by a person or because nobody has decided in time."""

from typing import Any

from sqlalchemy import RowMapping, func, update

from services.ledger.adapters.database import Transaction
from services.ledger.adapters.ending_facts import remembered_end
from services.ledger.adapters.failing import staged_images
from services.ledger.adapters.history import remember
from services.ledger.adapters.schema import pieces
from services.ledger.domain.endings import REJECTED
from shared.events import ContentRejected


async def reject_held(
    transaction: Transaction, piece: RowMapping, *, reason: str, detail: str
) -> None:
    """End a locked piece that waits for review; its held files go, what was held is still told."""
    connection = transaction.connection
    now = func.clock_timestamp()
    end: dict[str, Any] = {"state": REJECTED, "reason": reason, "detail": detail}
    await connection.execute(
        update(pieces)
        .where(pieces.c.id == piece["id"])
        .values(**end, ended_at=now, progressed_at=now)
    )
    staged = await staged_images(connection, [piece["id"]])
    fact = ContentRejected(
        tenant=piece["tenant"],
        task_id=piece["task_id"],
        deadline_at=piece["deadline_at"],
        piece_id=piece["id"],
        run=piece["current_run"],
        avatar_id=piece["avatar_id"],
        staged=staged.get(piece["id"], ()),
        reason=reason,
    )
    transaction.facts.append(fact)
    await remember(connection, [remembered_end(fact, {"reason": reason, "detail": detail})])
