"""Provider calls: asked for, noted, settled; each counted once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.attempt_rows import (
    OPENED,
    attempt_of,
    by_id,
    lease_of,
    opened_row,
    reply_to,
    standing_of,
)
from services.ledger.adapters.capacity import Capacity
from services.ledger.adapters.conditions import among, named
from services.ledger.adapters.database import Database
from services.ledger.adapters.first_calls import opened_first
from services.ledger.adapters.rowsets import inserting
from services.ledger.adapters.schema import attempts, avatars, pieces
from services.ledger.domain.attempts import (
    Answer,
    Ask,
    Go,
    GoOn,
    No,
    Pending,
    Wait,
    answer_to,
)
from shared.calls import AttemptAnswer, NoteCall, Nothing, OpenAttempt
from shared.events import AttemptSettled
from shared.factlog import FactLog
from shared.outcomes import TryLater
from shared.problems import Problem, not_found

_UNREAD_FOR_S = 1.0

_LOCK_PIECES = (
    select(pieces, avatars.c.frozen_at, func.clock_timestamp().label("now"))
    .join(avatars, avatars.c.id == pieces.c.avatar_id)
    .where(named(pieces.c.id, "these"))
    .order_by(pieces.c.id)
    .with_for_update(of=pieces)
)
# Held, for settlements are written without the piece's lock: what is read here as open could be
# settled by the time it is written down as lost. In the order in which they hold them.
_HOLD_ATTEMPTS = (
    select(attempts)
    .where(named(attempts.c.piece_id, "these"))
    .order_by(attempts.c.attempt_id)
    .with_for_update()
)
_OPEN = (
    inserting("opened", attempts, OPENED).on_conflict_do_nothing().returning(attempts.c.attempt_id)
)
# Whoever cancels looks at this row alone, so it has to tell that a call has begun.
_BEGIN = (
    update(pieces)
    .where(named(pieces.c.id, "these"))
    .values(
        begun_at=func.coalesce(pieces.c.begun_at, func.clock_timestamp()),
        progressed_at=func.clock_timestamp(),
    )
)


class Attempts:
    """The attempt book."""

    def __init__(self, database: Database, facts: FactLog) -> None:
        self._database = database
        self._facts = facts

    async def open(self, requests: Sequence[OpenAttempt]) -> list[AttemptAnswer]:
        """Say for each, in order, whether a provider may be called, and record it if so."""
        if all_first := await opened_first(self._database, requests):
            return all_first
        answers: dict[int, AttemptAnswer] = {}
        async with self._database.write() as transaction:
            connection = transaction.connection
            capacity = await Capacity.held(connection, requests)
            for group in _each_piece_once(requests):
                asked = [requests[index] for index in group]
                answered = await _answer(connection, asked, self._facts, capacity)
                answers |= dict(zip(group, answered, strict=True))
        return [answers[index] for index in range(len(requests))]

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


def _each_piece_once(requests: Sequence[OpenAttempt]) -> Iterable[list[int]]:
    """Groups of indexes in which no piece stands twice: what is asked later knows the answer."""
    groups: list[list[int]] = []
    seen: Counter[str] = Counter()
    for index, request in enumerate(requests):
        if seen[request.piece_id] == len(groups):
            groups.append([])
        groups[seen[request.piece_id]].append(index)
        seen[request.piece_id] += 1
    return groups


async def _answer(
    connection: AsyncConnection,
    requests: Sequence[OpenAttempt],
    facts: FactLog,
    capacity: Capacity,
) -> list[AttemptAnswer]:
    locked = await _locked_pieces(connection, requests)
    earlier = await _attempts_of(connection, locked)
    decided: list[tuple[OpenAttempt, Answer]] = []
    for request in requests:
        piece, before = locked.get(request.piece_id), earlier[request.piece_id]
        answer = await _unless_unread(request, _decide(request, piece, before), facts)
        if piece is not None:
            answer = capacity.within(request, answer, by_id(before), now=piece.now)
        decided.append((request, answer))
    await _note_lost_bytes(connection, requests)
    await _give_up(connection, [answer for _, answer in decided])
    await _go_on(connection, decided, locked)
    await _open_new(
        connection,
        [(request, answer) for request, answer in decided if isinstance(answer, Go)],
        locked,
    )
    return [reply_to(answer, by_id(earlier[request.piece_id])) for request, answer in decided]


def _decide(request: OpenAttempt, piece: Row[Any] | None, earlier: Sequence[Row[Any]]) -> Answer:
    if piece is None:
        return No("ended")
    return answer_to(
        Ask(
            request.attempt_id,
            request.run,
            request.holder,
            lost=request.lost_attempt_id,
            kind=request.kind,
        ),
        standing_of(piece),
        [attempt_of(row) for row in earlier],
        now=piece.now,
    )


async def _unless_unread(request: OpenAttempt, answer: Answer, facts: FactLog) -> Answer:
    """Wait where a call that seems lost is settled by a fact that we have not come to read yet."""
    if isinstance(answer, Go | No):
        for attempt_id in answer.lost:
            tokens = (request.tenant, request.task_id, request.piece_id, attempt_id)
            if await facts.holds(AttemptSettled, tokens):
                return Wait(_UNREAD_FOR_S, "unread")
    return answer


async def _locked_pieces(
    connection: AsyncConnection, requests: Sequence[OpenAttempt]
) -> dict[str, Row[Any]]:
    tenants = {request.piece_id: request.tenant for request in requests}
    found = await connection.execute(_LOCK_PIECES, {"these": list(tenants)})
    return {row.id: row for row in found if row.tenant == tenants[row.id]}


async def _attempts_of(
    connection: AsyncConnection, piece_ids: Iterable[str]
) -> Mapping[str, list[Row[Any]]]:
    found = await connection.execute(_HOLD_ATTEMPTS, {"these": list(piece_ids)})
    by_piece: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in sorted(found, key=lambda row: row.number):
        by_piece[row.piece_id].append(row)
    return by_piece


async def _note_lost_bytes(connection: AsyncConnection, requests: Sequence[OpenAttempt]) -> None:
    for request in requests:
        if request.lost_attempt_id is not None and request.kind == "image":
            await connection.execute(
                update(attempts)
                .where(
                    attempts.c.attempt_id == request.lost_attempt_id,
                    attempts.c.piece_id == request.piece_id,
                    attempts.c.tenant == request.tenant,
                    attempts.c.kind == request.kind,
                    attempts.c.outcome == "succeeded",
                )
                .values(
                    bytes_lost_at=func.coalesce(attempts.c.bytes_lost_at, func.clock_timestamp())
                )
            )


async def _give_up(connection: AsyncConnection, answers: Iterable[Answer]) -> None:
    lost = [each for answer in answers if isinstance(answer, Go | No) for each in answer.lost]
    if lost:
        await connection.execute(
            update(attempts).where(among(attempts.c.attempt_id, lost)).values(outcome="unknown")
        )


async def _go_on(
    connection: AsyncConnection,
    decided: Sequence[tuple[OpenAttempt, Answer]],
    locked: Mapping[str, Row[Any]],
) -> None:
    for request, answer in decided:
        if isinstance(answer, GoOn | Pending):
            await connection.execute(
                update(attempts)
                .where(attempts.c.attempt_id == answer.attempt.attempt_id)
                .values(
                    holder=request.holder, lease_until=lease_of(request, locked[request.piece_id])
                )
            )


async def _open_new(
    connection: AsyncConnection,
    allowed: Sequence[tuple[OpenAttempt, Go]],
    locked: Mapping[str, Row[Any]],
) -> None:
    if not allowed:
        return
    rows = [opened_row(request, answer, locked[request.piece_id]) for request, answer in allowed]
    opened = await connection.execute(_OPEN, {"opened": rows})
    taken = {answer.attempt_id for _, answer in allowed} - set(opened.scalars())
    for attempt_id in taken:
        await _explain_conflict(connection, attempt_id)
    await connection.execute(_BEGIN, {"these": [request.piece_id for request, _ in allowed]})


async def _explain_conflict(connection: AsyncConnection, attempt_id: str) -> None:
    taken = exists().where(attempts.c.attempt_id == attempt_id)
    if (await connection.execute(select(taken))).scalar_one():
        raise Problem(409, "attempt_id_taken", "Another piece has an attempt of this id.")
    # The settlement of a call that these books never opened was written at the same moment.
    raise TryLater("another attempt of this piece took the number")
