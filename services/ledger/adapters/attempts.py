"""Provider calls: asked for, noted, settled; each counted once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.attempt_rows import attempt_of, reply_to, standing_of
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts, pieces
from services.ledger.domain.attempts import (
    Answer,
    Ask,
    Go,
    GoOn,
    No,
    Pending,
    answer_to,
)
from shared.calls import AttemptAnswer, NoteCall, Nothing, OpenAttempt
from shared.outcomes import TryLater
from shared.problems import Problem, not_found


class Attempts:
    """The attempt book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, request: OpenAttempt) -> AttemptAnswer:
        """Say whether a provider may be called for a piece, and record it if so."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            piece = await _locked_piece(connection, request)
            if piece is None:
                return reply_to(No("ended"), {})
            earlier = await _attempts_of(connection, request.piece_id)
            answer = answer_to(
                Ask(request.attempt_id, request.run, request.holder, request.lost_attempt_id),
                standing_of(piece),
                [attempt_of(row) for row in earlier],
                now=piece.now,
            )
            await _note_loss(connection, request)
            await _record(connection, request, answer, piece)
            return reply_to(answer, {row.attempt_id: row for row in earlier})

    async def note_call(self, request: NoteCall) -> Nothing:
        """Keep the vendor's id of a submitted call. Raises Problem 404."""
        async with self._database.write() as transaction:
            noted = await transaction.connection.execute(
                update(attempts)
                .where(
                    attempts.c.attempt_id == request.attempt_id,
                    attempts.c.piece_id == request.piece_id,
                    attempts.c.tenant == request.tenant,
                )
                .values(call_id=request.call_id)
                .returning(attempts.c.attempt_id)
            )
            if noted.one_or_none() is None:
                raise not_found("attempt", request.attempt_id)
        return Nothing()


async def _locked_piece(connection: AsyncConnection, request: OpenAttempt) -> Row[Any] | None:
    found = await connection.execute(
        select(pieces, func.clock_timestamp().label("now"))
        .where(pieces.c.id == request.piece_id, pieces.c.tenant == request.tenant)
        .with_for_update()
    )
    return found.one_or_none()


async def _attempts_of(connection: AsyncConnection, piece_id: str) -> list[Row[Any]]:
    found = await connection.execute(
        select(attempts).where(attempts.c.piece_id == piece_id).order_by(attempts.c.number)
    )
    return list(found)


async def _note_loss(connection: AsyncConnection, request: OpenAttempt) -> None:
    if request.lost_attempt_id is None:
        return
    await connection.execute(
        update(attempts)
        .where(
            attempts.c.attempt_id == request.lost_attempt_id,
            attempts.c.piece_id == request.piece_id,
            attempts.c.outcome == "succeeded",
        )
        .values(bytes_lost_at=func.coalesce(attempts.c.bytes_lost_at, func.clock_timestamp()))
    )


async def _record(
    connection: AsyncConnection, request: OpenAttempt, answer: Answer, piece: Row[Any]
) -> None:
    lease_until = piece.now + timedelta(seconds=request.lease_s)
    match answer:
        case Go():
            await _open_new(connection, request, answer, piece, lease_until)
        case GoOn(attempt) | Pending(attempt):
            await connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == attempt.attempt_id)
                .values(holder=request.holder, lease_until=lease_until)
            )


async def _open_new(
    connection: AsyncConnection,
    request: OpenAttempt,
    answer: Go,
    piece: Row[Any],
    lease_until: datetime,
) -> None:
    if answer.lost:
        await connection.execute(
            update(attempts).where(attempts.c.attempt_id.in_(answer.lost)).values(outcome="unknown")
        )
    opened = await connection.execute(
        upsert(attempts)
        .values(
            attempt_id=answer.attempt_id,
            number=answer.number,
            tenant=piece.tenant,
            task_id=piece.task_id,
            piece_id=piece.id,
            avatar_id=piece.avatar_id,
            run=request.run,
            provider=request.provider,
            holder=request.holder,
            opened_at=piece.now,
            lease_until=lease_until,
        )
        .on_conflict_do_nothing()
        .returning(attempts.c.attempt_id)
    )
    if opened.one_or_none() is None:
        await _explain_conflict(connection, answer.attempt_id)
    # Whoever cancels looks at this row alone, so it has to tell that a call has begun.
    await connection.execute(
        update(pieces)
        .where(pieces.c.id == piece.id)
        .values(begun_at=func.coalesce(pieces.c.begun_at, piece.now), progressed_at=piece.now)
    )


async def _explain_conflict(connection: AsyncConnection, attempt_id: str) -> None:
    taken = exists().where(attempts.c.attempt_id == attempt_id)
    if (await connection.execute(select(taken))).scalar_one():
        raise Problem(409, "attempt_id_taken", "Another piece has an attempt of this id.")
    # The settlement of a call that these books never opened was written at the same moment.
    raise TryLater("another attempt of this piece took the number")
