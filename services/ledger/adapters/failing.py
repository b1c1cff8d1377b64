"""Pieces that fail, one or many at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import among, named
from services.ledger.adapters.database import Transaction
from services.ledger.adapters.history import remember
from services.ledger.adapters.schema import attempts, pieces
from services.ledger.domain.endings import FAILED
from services.ledger.ports import Happening
from shared.content import BlobRef
from shared.events import ContentFailed

STAGED = (
    select(attempts.c.piece_id, attempts.c.image)
    .where(named(attempts.c.piece_id, "these"), attempts.c.image.is_not(None))
    .order_by(attempts.c.number)
)
"""Private bytes that attempts have left behind; `by_piece` reads it."""


async def fail(
    transaction: Transaction, rows: Sequence[RowMapping], *, reason: str, detail: str = ""
) -> None:
    """End these locked pieces, none of which has ended, as failed, with history and facts."""
    if not rows:
        return
    ids = [row["id"] for row in rows]
    connection = transaction.connection
    staged = await staged_images(connection, ids)
    await connection.execute(
        update(pieces)
        .where(among(pieces.c.id, ids))
        .values(
            state=FAILED,
            reason=reason,
            detail=detail,
            ended_at=func.clock_timestamp(),
            progressed_at=func.clock_timestamp(),
        )
    )
    facts = [_fact(row, reason, detail, staged.get(row["id"], ())) for row in rows]
    transaction.facts.extend(facts)
    await remember(connection, [_happening(fact) for fact in facts])


async def staged_images(
    connection: AsyncConnection, piece_ids: Iterable[str]
) -> dict[str, tuple[BlobRef, ...]]:
    """The private bytes that attempts have left behind, by piece."""
    return by_piece(await connection.execute(STAGED, {"these": list(piece_ids)}))


def by_piece(found: Iterable[Row[Any]]) -> dict[str, tuple[BlobRef, ...]]:
    """Rows of `STAGED` as addresses, by piece."""
    images: dict[str, tuple[BlobRef, ...]] = {}
    for row in found:
        ref = BlobRef.model_validate(row.image)
        images[row.piece_id] = (*images.get(row.piece_id, ()), ref)
    return images


def _fact(row: RowMapping, reason: str, detail: str, staged: tuple[BlobRef, ...]) -> ContentFailed:
    return ContentFailed(
        tenant=row["tenant"],
        task_id=row["task_id"],
        deadline_at=row["deadline_at"],
        piece_id=row["id"],
        run=row["current_run"],
        avatar_id=row["avatar_id"],
        staged=staged,
        reason=reason,
        detail=detail,
    )


def _happening(fact: ContentFailed) -> Happening:
    return Happening(
        tenant=fact.tenant,
        task_id=fact.task_id,
        piece_id=fact.piece_id,
        avatar_id=fact.avatar_id,
        run=fact.run,
        fact=fact.NAME,
        detail={"reason": fact.reason, "detail": fact.detail},
    )
