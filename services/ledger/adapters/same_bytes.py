"""Delivered pieces whose bytes are the same: what is taken down with one of them."""

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.avatar_locks import lock_avatars
from services.ledger.adapters.conditions import among
from services.ledger.adapters.schema import content_pieces, pieces
from shared.calls import PieceRef
from shared.problems import Problem, not_found


async def lock_same_bytes(connection: AsyncConnection, request: PieceRef) -> Sequence[str]:
    """Lock a finished piece, and all of its tenant that were made or delivered as its bytes.

    Gives their ids. Raises Problem 404, and 409 piece_not_delivered.
    """
    await _check_finished(connection, request)
    avatar_of = await _same(connection, request)
    await lock_avatars(connection, avatar_of.values())
    found = await connection.execute(
        select(pieces.c.id)
        .where(among(pieces.c.id, avatar_of))
        .order_by(pieces.c.id)
        .with_for_update()
    )
    locked = found.scalars().all()
    if request.piece_id not in locked:
        # Deleted between our look and our lock.
        raise not_found("piece", request.piece_id)
    return locked


async def _check_finished(connection: AsyncConnection, request: PieceRef) -> None:
    found = await connection.execute(
        select(pieces.c.content_id).where(
            pieces.c.id == request.piece_id, pieces.c.tenant == request.tenant
        )
    )
    piece = found.one_or_none()
    if piece is None:
        raise not_found("piece", request.piece_id)
    if piece.content_id is None:
        raise Problem(409, "piece_not_delivered", "Only a finished piece can be taken down.")


async def _same(connection: AsyncConnection, request: PieceRef) -> dict[str, str]:
    """The avatars of pieces with these bytes, by piece."""
    columns = (content_pieces.c.source_sha256, content_pieces.c.image_hash)
    mine = await connection.execute(select(*columns).where(content_pieces.c.id == request.piece_id))
    hashes = {sha256 for row in mine for sha256 in row}
    found = await connection.execute(
        select(content_pieces.c.id, content_pieces.c.avatar_id).where(
            content_pieces.c.tenant == request.tenant,
            or_(*(among(column, hashes) for column in columns)),
        )
    )
    return {row.id: row.avatar_id for row in found}
