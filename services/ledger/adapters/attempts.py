"""Provider calls: asked for, noted, settled; each counted once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, exists, func, insert, or_, select, update
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
            earlier = await _attempts_of(connection, request.piece_id)
            now = piece.now if piece is not None else request_time()
            answer = answer_to(
                Ask(request.attempt_id, request.run, request.holder),
                None if piece is None else _standing(piece),
                [_attempt(row) for row in earlier],
                now=now,
            )
            if piece is not None:
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

    async def forget_lost_calls(self) -> int:
        """Record as unknown what settled or deleted pieces left open, once its lease is over."""
        waiting = exists().where(
            pieces.c.id == attempts.c.piece_id, pieces.c.state.not_in(sorted(SETTLED))
        )
        async with self._database.write() as transaction:
            lost = await transaction.connection.execute(
                update(attempts)
                .where(attempts.c.outcome == "open", ~waiting)
                .where(attempts.c.lease_until < func.clock_timestamp())
                .values(outcome="unknown")
            )
            return lost.rowcount
