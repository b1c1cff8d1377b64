"""Finished pieces that were kept back and are uploaded afterwards."""

from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.adapters.history import remember
from services.ledger.adapters.piece_rows import piece_of, piece_query
from services.ledger.adapters.schema import avatars, content_pieces, pieces
from services.ledger.domain.freezing import avatar_frozen
from services.ledger.ports import Happening
from shared.calls import Piece, PieceRef, RecordUpload, UploadReceipt
from shared.problems import Problem, not_found

_UPLOADED = "content.uploaded"


class Uploads:
    """The book of uploads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def receipt(self, request: PieceRef) -> UploadReceipt:
        """What a finished piece was delivered by.

        Raises Problem 403 avatar_frozen, 404, 409 piece_not_delivered and 410 piece_taken_down.
        """
        async with self._database.read() as connection:
            row = await _find(connection, request)
            await _check_avatar(connection, row.avatar_id)
        return UploadReceipt(
            piece=piece_of(row), source_sha256=row.source_sha256, verdict=row.verdict
        )

    async def record(self, request: RecordUpload) -> Piece:
        """Show the piece from where it was uploaded to; recording again changes nothing.

        Raises Problem 404, 409 piece_not_delivered and 410 piece_taken_down.
        """
        changing = (
            update(content_pieces)
            .where(
                content_pieces.c.id == request.piece_id,
                content_pieces.c.tenant == request.tenant,
                content_pieces.c.uploaded.is_(False),
            )
            .values(uploaded=True, public=request.public, url=request.url)
            .returning(content_pieces.c.id)
        )
        async with self._database.write() as transaction:
            changed = (await transaction.connection.execute(changing)).one_or_none()
            # Looked at with the row in our hands: nobody can take it down meanwhile.
            row = await _find(transaction.connection, request)
            if changed is not None:
                await remember(transaction.connection, [_remembered(row)])
            return piece_of(row)


async def _find(connection: AsyncConnection, request: PieceRef) -> Row[Any]:
    found = await connection.execute(
        piece_query()
        .add_columns(content_pieces.c.source_sha256)
        .where(pieces.c.id == request.piece_id, pieces.c.tenant == request.tenant)
    )
    row = found.one_or_none()
    if row is None:
        raise not_found("piece", request.piece_id)
    if row.taken_down_at is not None:
        raise Problem(410, "piece_taken_down", "The piece was taken down.")
    if row.content_id is None:
        raise Problem(409, "piece_not_delivered", "Only a finished piece can be uploaded.")
    return row


async def _check_avatar(connection: AsyncConnection, avatar_id: str) -> None:
    frozen = await connection.scalar(select(avatars.c.frozen_at).where(avatars.c.id == avatar_id))
    if frozen is not None:
        raise avatar_frozen("The avatar is frozen: nothing more of it is uploaded.")


def _remembered(row: Row[Any]) -> Happening:
    return Happening(
        tenant=row.tenant,
        task_id=row.task_id,
        piece_id=row.id,
        avatar_id=row.avatar_id,
        run=row.current_run,
        fact=_UPLOADED,
        detail={"object_key": row.object_key, "public": row.public},
    )
