"""Attempts as the rules see them, and the rules' answers as callers see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from services.ledger.domain.attempts import (
    Answer,
    Attempt,
    Done,
    Go,
    GoOn,
    No,
    Pending,
    PieceStanding,
    Wait,
)
from services.ledger.domain.endings import SETTLED
from shared.calls import AttemptAnswer, OpenAttempt

OPENED = (
    "attempt_id",
    "number",
    "tenant",
    "task_id",
    "piece_id",
    "avatar_id",
    "run",
    "kind",
    "provider",
    "holder",
    "opened_at",
    "lease_until",
)


def opened_row(request: OpenAttempt, answer: Go, piece: Row[Any]) -> dict[str, object]:
    """The row of a call that is allowed now, for a piece as it was read."""
    return {
        "attempt_id": answer.attempt_id,
        "number": answer.number,
        "tenant": piece.tenant,
        "task_id": piece.task_id,
        "piece_id": piece.id,
        "avatar_id": piece.avatar_id,
        "run": request.run,
        "kind": request.kind,
        "provider": request.provider,
        "holder": request.holder,
        "opened_at": piece.now.isoformat(),
        "lease_until": lease_of(request, piece).isoformat(),
    }


def lease_of(request: OpenAttempt, piece: Row[Any]) -> datetime:
    """Until when nobody else may call for a piece that was read a moment ago."""
    until: datetime = piece.now + timedelta(seconds=request.lease_s)
    return until


def standing_of(piece: Row[Any]) -> PieceStanding:
    """Where a piece stands."""
    return PieceStanding(
        current_run=piece.current_run,
        deadline_at=piece.deadline_at,
        settled=piece.state in SETTLED,
        reason=piece.reason,
        frozen=piece.frozen_at is not None,
    )


def attempt_of(row: Row[Any]) -> Attempt:
    """An attempt as recorded."""
    return Attempt(
        attempt_id=row.attempt_id,
        number=row.number,
        outcome=row.outcome,
        holder=row.holder,
        lease_until=row.lease_until,
        call_id=row.call_id,
        settled=row.settled_at is not None,
        has_result=_has_result(row),
        bytes_lost=row.bytes_lost_at is not None,
        kind=row.kind,
    )


def _has_result(row: Row[Any]) -> bool:
    if row.kind == "captions":
        return row.captions is not None
    return row.image is not None and row.generation is not None


def by_id(rows: Iterable[Row[Any]]) -> dict[str, Row[Any]]:
    """Recorded attempts by their ids."""
    return {row.attempt_id: row for row in rows}


def reply_to(answer: Answer, rows: Mapping[str, Row[Any]]) -> AttemptAnswer:
    """An answer in words that travel; `rows` are the recorded attempts by id."""
    match answer:
        case Go(attempt_id, number):
            return AttemptAnswer(answer="go", attempt_id=attempt_id, number=number)
        case GoOn(attempt):
            return AttemptAnswer(answer="go", attempt_id=attempt.attempt_id, number=attempt.number)
        case Done(attempt):
            return _what_was_bought(rows[attempt.attempt_id])
        case Pending(attempt):
            return AttemptAnswer(
                answer="pending",
                attempt_id=attempt.attempt_id,
                number=attempt.number,
                provider=rows[attempt.attempt_id].provider,
                call_id=attempt.call_id,
            )
        case Wait(after_s, reason):
            return AttemptAnswer(answer="wait", after_s=after_s, reason=reason)
        case No(reason):
            return AttemptAnswer(answer="no", reason=reason)


def _what_was_bought(row: Row[Any]) -> AttemptAnswer:
    return AttemptAnswer.model_validate(
        {
            "answer": "done",
            "attempt_id": row.attempt_id,
            "number": row.number,
            "provider": row.provider,
            "image": row.image,
            "generation": row.generation,
            "captions": row.captions,
        }
    )
