"""Ask for a piece once more; the new run fences off the ones before it."""

from typing import Any

from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.approvals import approved_again
from services.ledger.adapters.conditions import UNDER_WAY
from services.ledger.adapters.database import Transaction
from services.ledger.adapters.history import remember
from services.ledger.adapters.schema import pieces, tasks
from services.ledger.ports import Happening
from shared.content import Brief, Lane
from shared.events import ContentRequested, PieceFact


async def begin_next_run(
    transaction: Transaction, *conditions: ColumnElement[bool], because: str
) -> bool:
    """Request the next run of the piece under way that meets `conditions`, if one still does."""
    connection = transaction.connection
    moved = await connection.execute(
        update(pieces)
        .where(UNDER_WAY, *conditions)
        .values(current_run=pieces.c.current_run + 1, progressed_at=func.clock_timestamp())
        .returning(pieces)
    )
    row = moved.one_or_none()
    if row is None:
        return False
    fact = await _wanted(connection, row)
    transaction.facts.append(fact)
    happening = Happening(
        tenant=row.tenant,
        task_id=row.task_id,
        piece_id=row.id,
        avatar_id=row.avatar_id,
        run=row.current_run,
        fact=fact.NAME,
        detail={"because": because},
    )
    await remember(connection, [happening])
    return True


async def _wanted(connection: AsyncConnection, row: Row[Any]) -> PieceFact:
    if row.held is not None:
        # An approved piece has its bytes: what got lost is its way from the decision on.
        return await approved_again(connection, row)
    found = await connection.execute(select(tasks).where(tasks.c.id == row.task_id))
    task = found.one()
    return ContentRequested(
        tenant=row.tenant,
        task_id=row.task_id,
        piece_id=row.id,
        run=row.current_run,
        accepted_at=task.accepted_at,
        deadline_at=row.deadline_at,
        brief=Brief.model_validate(row.brief),
        lane=Lane(task.lane),
    )
