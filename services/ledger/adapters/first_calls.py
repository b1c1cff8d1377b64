"""Calls for pieces for which nobody has called before, as most are: looked at without locks.

What was seen is compared when the call is recorded. If anything has changed since, or is not as
usual, none of this counts, and it is asked again with the pieces held.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, exists, func, select, text

from services.ledger.adapters.attempt_rows import opened_row, reply_to, standing_of
from services.ledger.adapters.conditions import named
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts, avatars, pieces
from services.ledger.adapters.schema.base import Json
from services.ledger.domain.attempts import Ask, Go, answer_to
from shared.calls import AttemptAnswer, OpenAttempt

_SEEN = ("id", "tenant", "task_id", "avatar_id", "state", "reason", "current_run", "deadline_at")
_LOOK = (
    select(
        *(pieces.c[name] for name in _SEEN),
        avatars.c.frozen_at,
        func.clock_timestamp().label("now"),
    )
    .join(avatars, avatars.c.id == pieces.c.avatar_id)
    .where(named(pieces.c.id, "these"), ~exists().where(attempts.c.piece_id == pieces.c.id))
)
# The number of a piece's first call is unique: of two at the same moment one is recorded. Whoever
# cancels looks at the row of the piece alone, so it has to tell that a call has begun.
_OPEN = text("""
WITH unchanged AS MATERIALIZED (
    SELECT pieces.id FROM pieces
    JOIN avatars ON avatars.id = pieces.avatar_id AND avatars.frozen_at IS NULL
    JOIN unnest(
        CAST(:these AS text[]), CAST(:states AS text[]), CAST(:runs AS integer[])
    ) AS seen (id, state, run)
        ON pieces.id = seen.id AND pieces.state = seen.state AND pieces.current_run = seen.run
    WHERE pieces.id = ANY (CAST(:these AS text[]))
    ORDER BY pieces.id FOR UPDATE OF pieces
), opened AS (
    INSERT INTO attempts (attempt_id, number, tenant, task_id, piece_id, avatar_id, run, kind,
        provider, holder, opened_at, lease_until)
    SELECT attempt_id, number, tenant, task_id, piece_id, avatar_id, run, kind,
        provider, holder, opened_at, lease_until
    FROM jsonb_populate_recordset(CAST(NULL AS attempts), :opened)
    WHERE piece_id IN (SELECT id FROM unchanged)
    ON CONFLICT DO NOTHING RETURNING piece_id
)
UPDATE pieces SET begun_at = coalesce(begun_at, clock_timestamp()),
    progressed_at = clock_timestamp()
FROM opened WHERE pieces.id = opened.piece_id RETURNING pieces.id
""").bindparams(bindparam("opened", type_=Json))


async def opened_first(
    database: Database, requests: Sequence[OpenAttempt]
) -> list[AttemptAnswer] | None:
    """Allow and record all of these calls; None if it cannot be said of one of them.

    Asked again, those that were recorded are allowed as they were before.
    """
    if not _are_usual(requests):
        return None
    found = await database.ask(_LOOK, {"these": [request.piece_id for request in requests]})
    seen = {row.id: row for row in found}
    decided = [(request, _decided(request, seen.get(request.piece_id))) for request in requests]
    allowed = [(request, answer) for request, answer in decided if isinstance(answer, Go)]
    if len(allowed) < len(requests) or len(await _recorded(database, allowed, seen)) < len(allowed):
        return None
    return [reply_to(answer, {}) for _, answer in allowed]


def _are_usual(requests: Sequence[OpenAttempt]) -> bool:
    """Whether they are about a piece each, at providers that are not counted, with nothing lost."""
    about = {request.piece_id for request in requests}
    return len(about) == len(requests) and not any(
        request.most_in_flight is not None or request.lost_attempt_id is not None
        for request in requests
    )


def _decided(request: OpenAttempt, piece: Row[Any] | None) -> Go | None:
    if piece is None or piece.tenant != request.tenant:
        return None
    ask = Ask(request.attempt_id, request.run, request.holder, kind=request.kind)
    answer = answer_to(ask, standing_of(piece), (), now=piece.now)
    return answer if isinstance(answer, Go) else None


async def _recorded(
    database: Database, allowed: Sequence[tuple[OpenAttempt, Go]], seen: dict[str, Row[Any]]
) -> Sequence[Row[Any]]:
    about = [seen[request.piece_id] for request, _ in allowed]
    parameters = {
        "these": [piece.id for piece in about],
        "states": [piece.state for piece in about],
        "runs": [piece.current_run for piece in about],
        "opened": [
            opened_row(request, answer, piece)
            for (request, answer), piece in zip(allowed, about, strict=True)
        ],
    }
    return await database.ask(_OPEN, parameters)
