"""Provider calls: asked for, noted, settled; each counted once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts, pieces, tasks
from services.ledger.domain.attempts import (
    Answer,
    Ask,
    Attempt,
    Done,
    Go,
    GoOn,
    No,
    Pending,
    PieceStanding,
    Wait,
    answer_to,
)
from services.ledger.domain.endings import SETTLED
from shared.calls import AttemptAnswer, NoteCall, Nothing, OpenAttempt
from shared.content import BlobRef, Generation
from shared.events import AttemptSettled
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
                return _reply(No("ended"), {})
            earlier = await _attempts_of(connection, request.piece_id)
            answer = answer_to(
                Ask(request.attempt_id, request.run, request.holder),
                _standing(piece),
                [_attempt(row) for row in earlier],
                now=piece.now,
            )
            await _record(connection, request, answer, piece)
            return _reply(answer, {row.attempt_id: row for row in earlier})

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

    async def settle(self, event: AttemptSettled) -> None:
        """Record outcome and cost exactly once, however often the fact is delivered."""
        async with self._database.write() as transaction:
            connection = transaction.connection
            settled = await connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == event.attempt_id, attempts.c.settled_at.is_(None))
                .values(_settlement(event))
                .returning(attempts.c.attempt_id)
            )
            if settled.one_or_none() is None:
                await _settle_unheard_of(connection, event)


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


def _standing(piece: Row[Any]) -> PieceStanding:
    return PieceStanding(
        current_run=piece.current_run,
        deadline_at=piece.deadline_at,
        settled=piece.state in SETTLED,
        reason=piece.reason,
    )


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        attempt_id=row.attempt_id,
        number=row.number,
        outcome=row.outcome,
        holder=row.holder,
        lease_until=row.lease_until,
        call_id=row.call_id,
        settled=row.settled_at is not None,
        has_image=row.image is not None and row.generation is not None,
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
        .on_conflict_do_nothing(index_elements=[attempts.c.attempt_id])
        .returning(attempts.c.attempt_id)
    )
    if opened.one_or_none() is None:
        raise Problem(409, "attempt_id_taken", "Another piece has an attempt of this id.")
    # Whoever cancels looks at this row alone, so it has to tell that a call has begun.
    await connection.execute(
        update(pieces)
        .where(pieces.c.id == piece.id)
        .values(begun_at=func.coalesce(pieces.c.begun_at, piece.now), progressed_at=piece.now)
    )


def _reply(answer: Answer, rows: dict[str, Row[Any]]) -> AttemptAnswer:
    match answer:
        case Go(attempt_id, number):
            return AttemptAnswer(answer="go", attempt_id=attempt_id, number=number)
        case GoOn(attempt):
            return AttemptAnswer(answer="go", attempt_id=attempt.attempt_id, number=attempt.number)
        case Done(attempt):
            row = rows[attempt.attempt_id]
            return AttemptAnswer(
                answer="done",
                attempt_id=attempt.attempt_id,
                number=attempt.number,
                image=BlobRef.model_validate(row.image),
                generation=Generation.model_validate(row.generation),
            )
        case Pending(attempt):
            return AttemptAnswer(
                answer="pending",
                attempt_id=attempt.attempt_id,
                number=attempt.number,
                call_id=attempt.call_id,
            )
        case Wait(after_s):
            return AttemptAnswer(answer="wait", after_s=after_s)
        case No(reason):
            return AttemptAnswer(answer="no", reason=reason)


def _settlement(event: AttemptSettled) -> dict[str, Any]:
    values: dict[str, Any] = {
        "outcome": event.outcome,
        "error_code": event.error_code,
        "detail": event.detail,
        "duration_ms": event.duration_ms,
        "cost_usd_micros": event.cost_usd_micros,
        "settled_at": func.clock_timestamp(),
    }
    if event.image is not None:
        values["image"] = event.image.model_dump(mode="json")
    if event.generation is not None:
        values["generation"] = event.generation.model_dump(mode="json")
    return values


async def _settle_unheard_of(connection: AsyncConnection, event: AttemptSettled) -> None:
    """Record a call that was settled before, or that these books never opened: it did cost."""
    if await _is_known(connection, event):
        return
    last = select(func.coalesce(func.max(attempts.c.number), 0) + 1).where(
        attempts.c.piece_id == event.piece_id
    )
    avatar = select(tasks.c.avatar_id).where(tasks.c.id == event.task_id)
    await connection.execute(
        upsert(attempts)
        .values(
            attempt_id=event.attempt_id,
            number=last.scalar_subquery(),
            tenant=event.tenant,
            task_id=event.task_id,
            piece_id=event.piece_id,
            avatar_id=avatar.scalar_subquery(),
            run=event.run,
            provider=event.provider,
            holder="unknown",
            lease_until=func.clock_timestamp(),
            **_settlement(event),
        )
        .on_conflict_do_nothing()
    )
    if not await _is_known(connection, event):
        raise TryLater("another attempt of this piece took the number")


async def _is_known(connection: AsyncConnection, event: AttemptSettled) -> bool:
    known = exists().where(attempts.c.attempt_id == event.attempt_id)
    return bool((await connection.execute(select(known))).scalar_one())
