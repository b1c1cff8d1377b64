"""What happened to each piece: a row a fact, the same fact once."""

from collections.abc import Iterable

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.schema import piece_events
from services.ledger.ports import Happening
from shared.events import FACTS

_REMEMBER = insert(piece_events).on_conflict_do_nothing()
# What is no fact of the broker, such as that a piece is held, follows from one.
_ORDER = {fact.NAME: place for place, fact in enumerate(FACTS)}


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
        # In one order, so that two transactions about the same facts cannot wait for each other;
        # and in that of a piece's way, which its history shows.
        for each in sorted(happenings, key=_place)
    ]
    if rows:
        await connection.execute(_REMEMBER, rows)


def _place(happening: Happening) -> tuple[str, int, int, str]:
    order = _ORDER.get(happening.fact, len(_ORDER))
    return happening.piece_id, happening.run, order, happening.fact
