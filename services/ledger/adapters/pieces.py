"""Pieces: shown one by one with their history, listed page by page, published."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters import cursors
from services.ledger.adapters.conditions import among
from services.ledger.adapters.database import Database
from services.ledger.adapters.page_sizes import fitting
from services.ledger.adapters.piece_rows import piece_of, piece_query
from services.ledger.adapters.schema import (
    attempts,
    avatars,
    content_pieces,
    piece_events,
    pieces,
    tasks,
)
from shared.calls import (
    AttemptRecord,
    EndedPieces,
    FindEnded,
    ListPieces,
    Piece,
    PieceDetail,
    PiecePage,
    PieceRef,
    PublishPiece,
    TimelineEntry,
)
from shared.problems import Problem, not_found


class Pieces:
    """The piece book, for reading and publishing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, request: PieceRef) -> PieceDetail:
        """A piece with its history and attempts. Raises Problem 404."""
        async with self._database.read() as connection:
            piece = await _find(connection, request)
            return PieceDetail(
                piece=piece,
                timeline=await _timeline(connection, piece.id),
                attempts=await _attempts(connection, piece.id),
            )

    async def ended(self, request: FindEnded) -> EndedPieces:
        """Which of these pieces have ended for good."""
        query = select(pieces.c.id).where(
            among(pieces.c.id, request.piece_ids), pieces.c.ended_at.is_not(None)
        )
        async with self._database.read() as connection:
            found = (await connection.execute(query)).scalars().all()
        return EndedPieces(piece_ids=tuple(found))

    async def list(self, request: ListPieces) -> PiecePage:
        """Pieces of a task in order, or of an avatar with the newest first.

        A page may be shorter than asked for: it ends where its size would. Raises Problem 404 for
        an unknown owner, 422 without one or for a strange cursor.
        """
        async with self._database.read() as connection:
            await _check_owner(connection, request)
            found = await connection.execute(_list_query(request).limit(request.limit + 1))
            return _page(request, list(found))

    async def publish(self, request: PublishPiece) -> Piece:
        """Set price and time of publication; publishing again only changes the price.

        Raises Problem 404, 409 piece_not_delivered, and 410 piece_taken_down.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            published = await connection.execute(
                update(content_pieces)
                .where(
                    content_pieces.c.id == request.piece_id,
                    content_pieces.c.tenant == request.tenant,
                )
                .values(
                    published_at=func.coalesce(content_pieces.c.published_at, func.now()),
                    price_usd_micros=func.coalesce(
                        request.price_usd_micros, content_pieces.c.price_usd_micros
                    ),
                )
                .returning(content_pieces.c.id)
            )
            piece = await _find(connection, request)
            # Looked at with the row in our hands: nobody can take it down meanwhile.
            if piece.taken_down_at is not None:
                raise Problem(410, "piece_taken_down", "The piece was taken down.")
            if published.one_or_none() is None:
                raise Problem(409, "piece_not_delivered", "Only a finished piece can be published.")
            return piece


async def _find(connection: AsyncConnection, request: PieceRef) -> Piece:
    found = await connection.execute(
        piece_query().where(pieces.c.id == request.piece_id, pieces.c.tenant == request.tenant)
    )
    row = found.one_or_none()
    if row is None:
        raise not_found("piece", request.piece_id)
    return piece_of(row)


async def _timeline(connection: AsyncConnection, piece_id: str) -> tuple[TimelineEntry, ...]:
    found = await connection.execute(
        select(piece_events)
        .where(piece_events.c.piece_id == piece_id)
        .order_by(piece_events.c.at, piece_events.c.id)
    )
    return tuple(
        TimelineEntry(at=row.at, run=row.run, fact=row.fact, detail=row.detail) for row in found
    )


async def _attempts(connection: AsyncConnection, piece_id: str) -> tuple[AttemptRecord, ...]:
    found = await connection.execute(
        select(attempts).where(attempts.c.piece_id == piece_id).order_by(attempts.c.number)
    )
    return tuple(AttemptRecord.model_validate(row) for row in found.mappings())


async def _check_owner(connection: AsyncConnection, request: ListPieces) -> None:
    if request.task_id is not None:
        kind, ident, owner = "task", request.task_id, tasks
    elif request.avatar_id is not None:
        kind, ident, owner = "avatar", request.avatar_id, avatars
    else:
        raise Problem(422, "invalid_request", "Name an avatar or a task.", field="avatar_id")
    found = await connection.execute(
        select(owner.c.id).where(owner.c.id == ident, owner.c.tenant == request.tenant)
    )
    if found.one_or_none() is None:
        raise not_found(kind, ident)


def _list_query(request: ListPieces) -> Select[Any]:
    query = _filtered(piece_query().where(pieces.c.tenant == request.tenant), request)
    if request.task_id is not None:
        query = query.where(pieces.c.task_id == request.task_id).order_by(pieces.c.index)
        if request.cursor is not None:
            query = query.where(pieces.c.index > cursors.decode_index(request.cursor))
        return query
    source = content_pieces if request.delivered_only else pieces
    if request.cursor is not None:
        place = cursors.decode_moment(request.cursor)
        query = query.where(tuple_(source.c.created_at, source.c.id) < tuple_(*place))
    return query.where(source.c.avatar_id == request.avatar_id).order_by(
        source.c.created_at.desc(), source.c.id.desc()
    )


def _filtered(query: Select[Any], request: ListPieces) -> Select[Any]:
    if request.task_id is not None and request.avatar_id is not None:
        query = query.where(pieces.c.avatar_id == request.avatar_id)
    if request.delivered_only:
        query = query.where(
            content_pieces.c.id.is_not(None), content_pieces.c.taken_down_at.is_(None)
        )
    if request.tier is not None:
        ordered = pieces.c.brief["tier"].astext
        tier = func.coalesce(content_pieces.c.access_tier, pieces.c.verdict_tier, ordered)
        query = query.where(tier == request.tier.value)
    if request.rating is not None:
        rating = func.coalesce(content_pieces.c.safety_rating, pieces.c.verdict_rating)
        query = query.where(rating == request.rating.value)
    return query


def _page(request: ListPieces, rows: Sequence[Row[Any]]) -> PiecePage:
    shown = fitting(piece_of(row) for row in rows[: request.limit])
    if len(shown) == len(rows):
        return PiecePage(pieces=shown)
    return PiecePage(pieces=shown, next_cursor=_cursor(request, rows[len(shown) - 1]))


def _cursor(request: ListPieces, last: Row[Any]) -> str:
    if request.task_id is not None:
        return cursors.encode(last.position)
    moment = last.delivered_at if request.delivered_only else last.created_at
    return cursors.encode(moment, last.id)
