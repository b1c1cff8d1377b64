"""An avatar goes, and with it the rows of its pieces; history, attempts and tasks stay."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Result, Row, RowMapping, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.database import Database
from services.ledger.adapters.failing import fail
from services.ledger.adapters.schema import avatars, content_pieces, pieces
from services.ledger.domain.freezing import avatar_frozen
from shared.calls import AvatarRef, Deleted
from shared.events import DeliveryWithdrawn
from shared.problems import not_found


class Deletion:
    """Deletes avatars. Locks go avatar, pieces, tasks, as everywhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete_avatar(self, request: AvatarRef) -> Deleted:
        """End what is under way, withdraw every file, delete the rows: all or nothing.

        Raises Problem 403 avatar_frozen: what froze it may have to be looked at; 404.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            await _lock_avatar(connection, request)
            open_pieces = await _lock_open_pieces(connection, request.avatar_id)
            for piece in await _with_files(connection, request.avatar_id):
                transaction.facts.extend(_withdrawn(piece))
            detail = "its avatar was deleted"
            await fail(transaction, open_pieces, reason="avatar_deleted", detail=detail)
            await complete_tasks(transaction, {piece["task_id"] for piece in open_pieces})
            count = select(func.count()).where(pieces.c.avatar_id == request.avatar_id)
            deleted = Deleted(pieces=(await connection.execute(count)).scalar_one())
            await connection.execute(delete(avatars).where(avatars.c.id == request.avatar_id))
        return deleted


async def _lock_avatar(connection: AsyncConnection, request: AvatarRef) -> None:
    found = await connection.execute(
        select(avatars.c.frozen_at)
        .where(avatars.c.id == request.avatar_id, avatars.c.tenant == request.tenant)
        .with_for_update()
    )
    avatar = found.one_or_none()
    if avatar is None:
        raise not_found("avatar", request.avatar_id)
    if avatar.frozen_at is not None:
        raise avatar_frozen("The avatar is frozen: it stays until an administrator unfreezes it.")


async def _lock_open_pieces(connection: AsyncConnection, avatar_id: str) -> Sequence[RowMapping]:
    found = await connection.execute(
        select(pieces)
        .where(pieces.c.avatar_id == avatar_id, pieces.c.ended_at.is_(None))
        .order_by(pieces.c.id)
        .with_for_update()
    )
    return found.mappings().all()


async def _with_files(connection: AsyncConnection, avatar_id: str) -> Sequence[Row[Any]]:
    """Pieces that were delivered, or held for review, whatever has become of them."""
    found: Result[Any] = await connection.execute(
        select(
            *(pieces.c[name] for name in ("id", "tenant", "task_id", "deadline_at", "current_run")),
            pieces.c.held["delivery"].label("held"),
            pieces.c.held["run"].as_integer().label("held_run"),
            content_pieces.c.object_key,
            content_pieces.c.thumbnail_key,
        )
        .outerjoin(content_pieces, content_pieces.c.id == pieces.c.content_id)
        .where(pieces.c.avatar_id == avatar_id)
        .where(pieces.c.held.is_not(None) | content_pieces.c.id.is_not(None))
    )
    return found.all()


def _withdrawn(piece: Row[Any]) -> Iterator[DeliveryWithdrawn]:
    """Facts that a piece's files must go, each of the run that they were stored in.

    There is one such fact a run: what an approved run may store yet is withdrawn by its own.
    """
    if piece.object_key is not None:
        yield _fact(piece, piece.current_run, (piece.object_key, piece.thumbnail_key))
    if piece.held is not None:
        yield _fact(piece, piece.held_run, (piece.held["object_key"], piece.held["thumbnail_key"]))


def _fact(piece: Row[Any], run: int, object_keys: tuple[str, str]) -> DeliveryWithdrawn:
    return DeliveryWithdrawn(
        tenant=piece.tenant,
        task_id=piece.task_id,
        deadline_at=piece.deadline_at,
        piece_id=piece.id,
        run=run,
        object_keys=object_keys,
        reason="avatar_deleted",
    )
