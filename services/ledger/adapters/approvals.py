"""The fact that people have approved a held piece, made from what they said about it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.schema import review_decisions
from services.ledger.domain.reviews import Decided, strictest
from shared.content import Rating
from shared.events import ContentStored, ReviewApproved


async def decisions_about(
    connection: AsyncConnection, piece_id: str, *, run: int
) -> Sequence[Row[Any]]:
    """What was decided about a run that is or was held, in its order."""
    found = await connection.execute(
        select(review_decisions)
        .where(review_decisions.c.piece_id == piece_id, review_decisions.c.run == run)
        .order_by(review_decisions.c.id)
    )
    return found.all()


def approvals_among(rows: Sequence[Row[Any]]) -> list[Decided]:
    """The approvals, as the rules see them."""
    return [
        Decided("approve", row.by, rating=Rating(row.rating))
        for row in rows
        if row.decision == "approve"
    ]


async def note_decision(
    connection: AsyncConnection, held: ContentStored, decision: Decided
) -> None:
    """Add a decision to the record; nothing ever changes it."""
    await connection.execute(
        insert(review_decisions).values(
            tenant=held.tenant,
            piece_id=held.piece_id,
            run=held.run,
            decision=decision.decision,
            by=decision.by,
            rating=decision.rating,
            reason=decision.reason,
        )
    )


def approved(
    held: ContentStored, approvals: Sequence[Decided], *, run: int, deadline_at: datetime
) -> ReviewApproved:
    """The piece goes on in this run, rated as the strictest of its reviewers found it."""
    return ReviewApproved.following(
        held,
        run=run,
        deadline_at=deadline_at,
        rating=strictest(each.rating for each in approvals if each.rating is not None),
        reviewers=tuple(dict.fromkeys(each.by for each in approvals)),
    )


async def approved_again(connection: AsyncConnection, piece: Row[Any]) -> ReviewApproved:
    """The same for a piece whose first approval got lost on its way; `piece` has its new run."""
    held = ContentStored.model_validate(piece.held)
    approvals = approvals_among(await decisions_about(connection, held.piece_id, run=held.run))
    return approved(held, approvals, run=piece.current_run, deadline_at=piece.deadline_at)
