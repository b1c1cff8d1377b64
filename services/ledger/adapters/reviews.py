"""Reviews: what is held is shown, listed, and decided about by people."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters import cursors
from services.ledger.adapters.approvals import (
    approvals_among,
    approved,
    decisions_about,
    note_decision,
)
from services.ledger.adapters.avatar_locks import lock_avatars
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.ending_facts import remembered_approval
from services.ledger.adapters.history import remember
from services.ledger.adapters.page_sizes import fitting
from services.ledger.adapters.rejecting import reject_held
from services.ledger.adapters.review_rows import item_of, list_query, review_of
from services.ledger.adapters.schema import pieces
from services.ledger.domain.endings import PENDING_REVIEW
from services.ledger.domain.freezing import avatar_frozen
from services.ledger.domain.progress import MODERATED, STATES
from services.ledger.domain.reviews import (
    APPROVAL_LIMIT,
    REVIEW_REJECTED,
    Decided,
    Outcome,
    check_complete,
    outcome_of,
)
from shared.calls import DecideReview, ListReviews, PieceRef, Review, ReviewPage
from shared.events import ContentStored
from shared.problems import Problem


class Reviews:
    """The book of reviews. Pieces that nobody decides about are held for `retention`."""

    def __init__(self, database: Database, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    async def list(self, request: ListReviews) -> ReviewPage:
        """What waits, longest first. Raises Problem 422 for a strange cursor."""
        async with self._database.read() as connection:
            found = await connection.execute(list_query(request).limit(request.limit + 1))
            rows = found.all()
        shown = fitting(item_of(row, self._retention) for row in rows[: request.limit])
        if len(shown) == len(rows):
            return ReviewPage(reviews=shown)
        last = shown[-1]
        return ReviewPage(reviews=shown, next_cursor=cursors.encode(last.held_at, last.piece_id))

    async def get(self, request: PieceRef) -> Review:
        """A piece that is or was held. Raises Problem 404."""
        async with self._database.read() as connection:
            piece = (await connection.execute(_held(request))).one_or_none()
            if piece is None:
                raise _not_found(request)
            decisions = await decisions_about(connection, piece.id, run=piece.held["run"])
            return review_of(piece, decisions, self._retention)

    async def decide(self, request: DecideReview) -> Review:
        """Record a decision and do as it says, unless somebody else has to agree.

        Raises Problem 403 avatar_frozen for an approval, 404, 409 review_decided, review_blocked
        and already_approved, 422.
        """
        decision = Decided(request.decision, request.by, request.rating, request.reason)
        check_complete(decision)
        async with self._database.write() as transaction:
            connection = transaction.connection
            frozen = await _lock_avatar(connection, request)
            # Whoever decides at the same moment waits here, and sees what we have decided.
            piece = (await connection.execute(_held(request).with_for_update())).one_or_none()
            if piece is None:
                raise _not_found(request)
            if piece.state != PENDING_REVIEW:
                detail = "It has been decided about the piece already."
                raise Problem(409, "review_decided", detail)
            held = ContentStored.model_validate(piece.held)
            await _act(transaction, piece, held, decision, avatar_is_frozen=bool(frozen))
            decided = (await connection.execute(_held(request))).one()
            decisions = await decisions_about(connection, held.piece_id, run=held.run)
            return review_of(decided, decisions, self._retention)


def _held(request: PieceRef) -> Select[Any]:
    return select(pieces).where(
        pieces.c.id == request.piece_id,
        pieces.c.tenant == request.tenant,
        pieces.c.held.is_not(None),
    )


def _not_found(request: PieceRef) -> Problem:
    detail = f"The piece {request.piece_id[:80]!r} was never held for review."
    return Problem(404, "review_not_found", detail)


async def _lock_avatar(connection: AsyncConnection, request: PieceRef) -> frozenset[str]:
    """Lock the piece's avatar, which goes before the piece; its id if it is frozen."""
    whose = pieces.c.avatar_id
    avatar_id = await connection.execute(_held(request).with_only_columns(whose))
    return await lock_avatars(connection, avatar_id.scalars())


async def _act(
    transaction: Transaction,
    piece: Row[Any],
    held: ContentStored,
    decision: Decided,
    *,
    avatar_is_frozen: bool,
) -> None:
    connection = transaction.connection
    before = await decisions_about(connection, held.piece_id, run=held.run)
    approvals = approvals_among(before)
    outcome = outcome_of(decision, held.verdict, approvals)
    if avatar_is_frozen and outcome is not Outcome.REJECT:
        raise avatar_frozen("The avatar is frozen: its pieces can be rejected, not approved.")
    await note_decision(connection, held, decision)
    match outcome:
        case Outcome.GO_ON:
            await _go_on(transaction, held, [*approvals, decision])
        case Outcome.REJECT:
            detail = decision.reason or ""
            await reject_held(transaction, piece._mapping, reason=REVIEW_REJECTED, detail=detail)  # noqa: SLF001 - its public name
        case Outcome.WAIT:
            pass


async def _go_on(transaction: Transaction, held: ContentStored, approvals: list[Decided]) -> None:
    """Let the piece go on in a new run, for a while that does not count its wait."""
    now = func.clock_timestamp()
    moved = await transaction.connection.execute(
        update(pieces)
        .where(pieces.c.id == held.piece_id)
        .values(
            state=STATES[MODERATED],
            current_run=pieces.c.current_run + 1,
            reason=None,
            detail=None,
            deadline_at=now + APPROVAL_LIMIT,
            progressed_at=now,
        )
        .returning(pieces.c.current_run, pieces.c.deadline_at)
    )
    row = moved.one()
    fact = approved(held, approvals, run=row.current_run, deadline_at=row.deadline_at)
    transaction.facts.append(fact)
    await remember(transaction.connection, [remembered_approval(fact)])
