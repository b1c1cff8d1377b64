"""Held pieces as reviewers see them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_

from services.ledger.adapters import cursors
from services.ledger.adapters.conditions import WAITING
from services.ledger.adapters.schema import pieces, review_decisions
from shared.calls import ListReviews, Review, ReviewDecision, ReviewItem
from shared.events import ContentStored


def review_of(piece: Row[Any], decisions: Sequence[Row[Any]], retention: timedelta) -> Review:
    """A piece that is or was held, whole."""
    held = ContentStored.model_validate(piece.held)
    return Review(
        piece_id=piece.id,
        task_id=piece.task_id,
        avatar_id=piece.avatar_id,
        state=piece.state,
        brief=held.brief,
        captions=held.captions,
        verdict=held.verdict,
        object_key=held.delivery.object_key,
        thumbnail_key=held.delivery.thumbnail_key,
        held_at=piece.held_at,
        expires_at=piece.held_at + retention,
        decisions=tuple(ReviewDecision.model_validate(dict(row._mapping)) for row in decisions),  # noqa: SLF001 - its public name
    )


def item_of(row: Row[Any], retention: timedelta) -> ReviewItem:
    """A held piece, as a list shows it."""
    verdict = row.verdict or {}
    return ReviewItem(
        piece_id=row.id,
        task_id=row.task_id,
        avatar_id=row.avatar_id,
        tier=row.verdict_tier,
        reason=row.verdict_reason,
        blocked=verdict.get("blocked"),
        approvals=row.approvals,
        approvals_needed=verdict.get("approvals_needed", 1),
        held_at=row.held_at,
        expires_at=row.held_at + retention,
    )


def list_query(request: ListReviews) -> Select[Any]:
    """Every column that `item_of` reads, of what waits, longest first."""
    approvals = (
        select(func.count(review_decisions.c.by.distinct()))
        .where(
            review_decisions.c.piece_id == pieces.c.id,
            review_decisions.c.run == pieces.c.current_run,
            review_decisions.c.decision == "approve",
        )
        .scalar_subquery()
    )
    names = ("id", "task_id", "avatar_id", "verdict_tier", "verdict_reason", "verdict", "held_at")
    query = (
        select(*(pieces.c[name] for name in names), approvals.label("approvals"))
        .where(WAITING, pieces.c.tenant == request.tenant)
        .order_by(pieces.c.held_at, pieces.c.id)
    )
    if request.cursor is not None:
        place = cursors.decode_moment(request.cursor)
        query = query.where(tuple_(pieces.c.held_at, pieces.c.id) > tuple_(*place))
    return _filtered(query, request)


def _filtered(query: Select[Any], request: ListReviews) -> Select[Any]:
    if request.avatar_id is not None:
        query = query.where(pieces.c.avatar_id == request.avatar_id)
    if request.task_id is not None:
        query = query.where(pieces.c.task_id == request.task_id)
    if request.tier is not None:
        query = query.where(pieces.c.verdict_tier == request.tier.value)
    if request.blocked is not None:
        is_blocked = pieces.c.verdict["blocked"].astext.is_not(None)
        query = query.where(is_blocked if request.blocked else ~is_blocked)
    return query
