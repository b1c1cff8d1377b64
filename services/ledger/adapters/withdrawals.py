"""Facts that the files of what was taken down have to go.

The broker refuses one that it still holds, so telling it again costs nothing; one that it has lost
is told anew. What waits in the outbox is not left there twice: a broker that is away for long must
not fill it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.schema import content_pieces, outbox, pieces
from shared.events import DeliveryWithdrawn

Place = tuple[datetime, str]
"""Where a list of takedowns goes on: moment and id of the last one."""

_REASON = "taken_down"


async def untold(
    connection: AsyncConnection, *conditions: ColumnElement[bool], limit: int | None = None
) -> Sequence[Row[Any]]:
    """Pieces taken down that meet `conditions`, by moment; not those of which a fact waits."""
    waits = exists().where(
        outbox.c.fact == DeliveryWithdrawn.NAME,
        outbox.c.body["piece_id"].astext == pieces.c.id,
        outbox.c.body["reason"].astext == _REASON,
    )
    found = await connection.execute(
        select(
            pieces,
            content_pieces.c.object_key,
            content_pieces.c.thumbnail_key,
            content_pieces.c.taken_down_at,
        )
        .join(content_pieces, content_pieces.c.id == pieces.c.id)
        .where(content_pieces.c.taken_down_at.is_not(None), ~waits, *conditions)
        .order_by(content_pieces.c.taken_down_at, content_pieces.c.id)
        .limit(limit)
    )
    rows: Sequence[Row[Any]] = found.all()
    return rows


def withdrawn(row: Row[Any]) -> DeliveryWithdrawn:
    """The files of a piece that was taken down must go."""
    return DeliveryWithdrawn(
        tenant=row.tenant,
        task_id=row.task_id,
        deadline_at=row.deadline_at,
        piece_id=row.id,
        run=row.current_run,
        object_keys=(row.object_key, row.thumbnail_key),
        reason=_REASON,
    )


def lies_after(place: Place) -> ColumnElement[bool]:
    """Whether a takedown comes after this place."""
    return tuple_(content_pieces.c.taken_down_at, content_pieces.c.id) > tuple_(*place)
