"""Finished pieces that nobody may see any more; their records stay, their like is blocked."""

from sqlalchemy import Row, RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.history import remember
from services.ledger.adapters.moderation_log import note_action
from services.ledger.adapters.piece_rows import piece_of, piece_query
from services.ledger.adapters.schema import blocked_images, content_pieces, pieces
from services.ledger.ports import Happening
from shared.calls import Piece, TakeDownPiece
from shared.events import DeliveryWithdrawn
from shared.problems import Problem, not_found

_TAKEN_DOWN = "content.taken_down"


class TakeDowns:
    """The book of takedowns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_down(self, request: TakeDownPiece) -> Piece:
        """Remove a finished piece from delivery for good; doing so twice is doing so once.

        Raises Problem 404, and 409 piece_not_delivered.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            piece = await _lock(connection, request)
            taken = await connection.execute(
                update(content_pieces)
                .where(content_pieces.c.id == piece["id"])
                .where(content_pieces.c.taken_down_at.is_(None))
                .values(
                    taken_down_at=func.clock_timestamp(),
                    taken_down_by=request.by,
                    taken_down_reason=request.reason,
                )
                .returning(content_pieces)
            )
            content = taken.one_or_none()
            if content is not None:
                await _take_away(transaction, request, piece, content)
            shown = await connection.execute(piece_query().where(pieces.c.id == piece["id"]))
            return piece_of(shown.one())


async def _lock(connection: AsyncConnection, request: TakeDownPiece) -> RowMapping:
    found = await connection.execute(
        select(pieces)
        .where(pieces.c.id == request.piece_id, pieces.c.tenant == request.tenant)
        .with_for_update()
    )
    piece = found.mappings().one_or_none()
    if piece is None:
        raise not_found("piece", request.piece_id)
    if piece["content_id"] is None:
        raise Problem(409, "piece_not_delivered", "Only a finished piece can be taken down.")
    return piece


async def _take_away(
    transaction: Transaction,
    request: TakeDownPiece,
    piece: RowMapping,
    content: Row[tuple[object, ...]],
) -> None:
    """Have the files deleted, block what looks the same, and keep who asked and why."""
    connection = transaction.connection
    transaction.facts.append(_withdrawn(piece, (content.object_key, content.thumbnail_key)))
    # The bytes that were judged and those that were delivered: somebody may hand in either.
    rows = [
        {
            "tenant": piece["tenant"],
            "sha256": sha256,
            "image_print": content.image_print,
            "piece_id": piece["id"],
        }
        for sha256 in sorted({content.source_sha256, content.image_hash})
    ]
    await connection.execute(upsert(blocked_images).on_conflict_do_nothing(), rows)
    reason = request.reason
    await note_action(connection, piece, action="take_down", by=request.by, reason=reason)
    await remember(connection, [_happening(piece, {"by": request.by, "reason": reason})])


def _withdrawn(piece: RowMapping, object_keys: tuple[str, ...]) -> DeliveryWithdrawn:
    return DeliveryWithdrawn(
        tenant=piece["tenant"],
        task_id=piece["task_id"],
        deadline_at=piece["deadline_at"],
        piece_id=piece["id"],
        run=piece["current_run"],
        object_keys=object_keys,
        reason="taken_down",
    )


def _happening(piece: RowMapping, detail: dict[str, object]) -> Happening:
    return Happening(
        tenant=piece["tenant"],
        task_id=piece["task_id"],
        piece_id=piece["id"],
        avatar_id=piece["avatar_id"],
        run=piece["current_run"],
        fact=_TAKEN_DOWN,
        detail=detail,
    )
