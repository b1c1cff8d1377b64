"""What happened to each piece: a row a fact, the same fact once."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.schema import piece_events
from services.ledger.ports import Happening


async def remember(connection: AsyncConnection, happenings: Iterable[Happening]) -> None:
    """Add to the history; what it holds already stays as it was."""
    rows = [
        {
            "tenant": each.tenant,
            "task_id": each.task_id,
            "piece_id": each.piece_id,
            "avatar_id": each.avatar_id,
            "run": each.run,
            "fact": each.fact,
            "detail": each.detail,
        }
        # In one order, so that two transactions about the same facts cannot wait for each other.
        for each in sorted(happenings, key=lambda one: (one.piece_id, one.run, one.fact))
    ]
    if rows:
        await connection.execute(insert(piece_events).on_conflict_do_nothing(), rows)
