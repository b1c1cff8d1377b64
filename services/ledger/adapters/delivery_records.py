"""What a batch of deliveries writes, in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Select, Update, func, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.content_rows import content_row, persisted_row
from services.ledger.adapters.failing import STAGED, by_piece
from services.ledger.adapters.history import REMEMBER, happened
from services.ledger.adapters.piece_locks import LockedPieces
from services.ledger.adapters.rowsets import inserting, rows_in
from services.ledger.adapters.schema import content_pieces, pieces
from services.ledger.adapters.settlements import SETTLE_DELIVERED, delivered_calls
from services.ledger.ports import Happening
from shared.content import BlobRef
from shared.events import ContentStored


@dataclass(frozen=True, slots=True)
class Record:
    """All deliveries of a batch, those of them that are persisted, and what has happened."""

    events: Sequence[ContentStored]
    persisted: Sequence[ContentStored]
    happenings: Iterable[Happening]


async def record(
    connection: AsyncConnection, batch: Record, locked: LockedPieces
) -> Mapping[str, tuple[BlobRef, ...]]:
    """Write the batch down; gives the private bytes of what is persisted, as known before it.

    That is: without those of calls that are settled by it, which the deliveries themselves name.
    """
    content = [content_row(event, locked[event.piece_id]) for event in batch.persisted]
    settled = [persisted_row(event) for event in batch.persisted]
    calls = delivered_calls(batch.events)
    parameters = {
        "calls": calls,
        "delivered": [call["attempt_id"] for call in calls],
        "content": content,
        "settled": settled,
        "happenings": happened(batch.happenings),
        "these": [event.piece_id for event in batch.persisted],
    }
    statement = _recording(_columns(content), _columns(settled))
    return by_piece(await connection.execute(statement, parameters))


def _columns(rows: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    return tuple(rows[0]) if rows else ()


@cache
def _recording(content: tuple[str, ...], settled: tuple[str, ...]) -> Select[Any]:
    """The statement for rows with these columns; without any, nothing is persisted."""
    statement = STAGED.add_cte(SETTLE_DELIVERED.cte("calls_settled"), REMEMBER.cte("remembered"))
    if not content:
        return statement
    delivered = inserting("content", content_pieces, content)
    return statement.add_cte(delivered.cte("delivered"), _settling(settled).cte("pieces_settled"))


def _settling(columns: tuple[str, ...]) -> Update:
    rows = rows_in("settled", pieces, columns)
    values: dict[str, Any] = {name: rows.c[name] for name in columns if name != "id"}
    values["progressed_at"] = values["ended_at"] = func.clock_timestamp()
    return update(pieces).where(pieces.c.id == rows.c.id).values(values)
