"""Finished pieces that nobody may see any more; their records stay, their like is blocked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import among
from services.ledger.adapters.database import Database
from services.ledger.adapters.history import remember
from services.ledger.adapters.moderation_log import note_take_downs
from services.ledger.adapters.near_duplicates import near_delivered
from services.ledger.adapters.piece_rows import piece_of, piece_query
from services.ledger.adapters.same_bytes import lock_same_bytes
from services.ledger.adapters.schema import blocked_images, content_pieces, pieces
from services.ledger.adapters.tenant_locks import keep_out_deliveries
from services.ledger.adapters.withdrawals import Place, lies_after, untold, withdrawn
from services.ledger.ports import Happening
from shared.calls import Piece, TakeDownPiece

_TAKEN_DOWN = "content.taken_down"
_REMINDED_FOR = timedelta(hours=48)
"""Longer than the broker keeps facts: what it has lost or forgotten by then is told once more."""
_PORTION = 200


class TakeDowns:
    """The book of takedowns. Locks go tenant, avatars, pieces, as in deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take_down(self, request: TakeDownPiece) -> Piece:
        """Remove a finished piece and all of the same bytes from delivery, for good.

        Asking again records nothing new, and has the files deleted again. Raises Problem 404, and
        409 piece_not_delivered.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            await keep_out_deliveries(connection, request.tenant)
            same = await lock_same_bytes(connection, request)
            taken = await _mark(connection, request, same)
            if taken:
                await _block(connection, request, taken)
                await note_take_downs(connection, taken, by=request.by, reason=request.reason)
                await _remember(connection, request, taken)
            rows = await untold(connection, among(pieces.c.id, same))
            transaction.facts.extend(withdrawn(row) for row in rows)
            shown = await connection.execute(piece_query().where(pieces.c.id == request.piece_id))
            return piece_of(shown.one())

    async def remind(self, *, after: Place | None) -> Place | None:
        """Have files of some late takedowns deleted again; the place to go on, None at the end."""
        since = func.clock_timestamp() - _REMINDED_FOR
        conditions = [content_pieces.c.taken_down_at > since]
        if after is not None:
            conditions.append(lies_after(after))
        async with self._database.write() as transaction:
            rows = await untold(transaction.connection, *conditions, limit=_PORTION)
            transaction.facts.extend(withdrawn(row) for row in rows)
        if len(rows) < _PORTION:
            return None
        return rows[-1].taken_down_at, rows[-1].id


async def _mark(
    connection: AsyncConnection, request: TakeDownPiece, piece_ids: Sequence[str]
) -> Sequence[Row[Any]]:
    """Take these down; their content, except of those that were taken down before."""
    marked = await connection.execute(
        update(content_pieces)
        .where(among(content_pieces.c.id, piece_ids), content_pieces.c.taken_down_at.is_(None))
        .values(
            taken_down_at=func.clock_timestamp(),
            taken_down_by=request.by,
            taken_down_reason=request.reason,
        )
        .returning(content_pieces)
    )
    contents: Sequence[Row[Any]] = marked.all()
    return contents


async def _block(
    connection: AsyncConnection, request: TakeDownPiece, taken: Sequence[Row[Any]]
) -> None:
    # Of several pieces of the same bytes, the one that was asked about stands for them.
    taken = sorted(taken, key=lambda content: (content.id != request.piece_id, content.id))
    # The bytes that were judged and those that were delivered: somebody may hand in either.
    rows = [
        {
            "tenant": content.tenant,
            "sha256": sha256,
            "image_print": content.image_print,
            "piece_id": content.id,
        }
        for content in taken
        for sha256 in sorted({content.source_sha256, content.image_hash})
    ]
    await connection.execute(upsert(blocked_images).on_conflict_do_nothing(), rows)


async def _remember(
    connection: AsyncConnection, request: TakeDownPiece, taken: Sequence[Row[Any]]
) -> None:
    """Who asked and why; with the piece itself, what looks like it and is still delivered."""
    runs = await connection.execute(
        select(pieces.c.id, pieces.c.current_run).where(
            among(pieces.c.id, [content.id for content in taken])
        )
    )
    run_of = {row.id: row.current_run for row in runs}
    near = await near_delivered(connection, request.piece_id)
    happenings = []
    for content in taken:
        detail: dict[str, object] = {"by": request.by, "reason": request.reason}
        if content.id != request.piece_id:
            detail["same_bytes_as"] = request.piece_id
        elif near:
            detail["looks_like"] = near
        happenings.append(_happening(content, run_of[content.id], detail))
    await remember(connection, happenings)


def _happening(content: Row[Any], run: int, detail: dict[str, object]) -> Happening:
    return Happening(
        tenant=content.tenant,
        task_id=content.task_id,
        piece_id=content.id,
        avatar_id=content.avatar_id,
        run=run,
        fact=_TAKEN_DOWN,
        detail=detail,
    )
