"""A task as clients see it, counted by the database."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, bindparam, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.selectable import LateralFromClause

from services.ledger.adapters.schema import attempts, piece_events, pieces, tasks
from services.ledger.domain.endings import FAILED, PENDING_REVIEW, PERSISTED, REJECTED, SETTLED
from services.ledger.domain.progress import (
    GENERATED,
    HOOKED,
    MODERATED,
    STEPS,
    STORED,
    percent,
    shown_state,
)
from shared.calls import AcceptTask, Reason, StageCounts, TaskView
from shared.problems import not_found

_REASONS_SHOWN = 100
_DETAIL_CHARS = 300
_NOTED = {
    "generated": "image.generated",
    "hooked": "content.hooked",
    "moderated": "content.moderated",
    "stored": "content.stored",
    "persisted": "content.persisted",
    "rejected": "content.rejected",
    "failed": "content.failed",
}
"""Facts in the history by the count they stand for, for tasks whose pieces are deleted."""


async def view_task(connection: AsyncConnection, tenant: str, task_id: str) -> TaskView:
    """The task with counts, cost and reasons. Raises Problem 404."""
    found = await connection.execute(_VIEW, {"task": task_id, "of_tenant": tenant})
    row = found.one_or_none()
    if row is None:
        raise not_found("task", task_id)
    if row.requested == 0:
        counts, steps_gone = await _counts_from_history(connection, row)
        reasons = await _reasons_from_history(connection, row)
    else:
        counts, steps_gone = _counts(row), row.steps_gone
        reasons = await _reasons(connection, row, counts)
    return _view(row, counts, steps_gone, reasons)


def view_of_new(request: AcceptTask) -> TaskView:
    """A task that was accepted this moment, as `view_task` would show it."""
    total = len(request.briefs)
    counts = StageCounts(requested=total)
    return TaskView(
        task_id=request.task_id,
        tenant=request.tenant,
        avatar_id=request.avatar_id,
        kind=request.kind,
        platform=request.platform.value,
        state=shown_state("accepted", counts),
        progress=percent(steps_gone=0, total=total),
        total=total,
        counts=counts,
        cost_usd_micros=0,
        generation_time_ms=0,
        config=request.config,
        accepted_at=request.accepted_at,
        deadline_at=request.deadline_at,
    )


def _view(
    row: Row[Any], counts: StageCounts, steps_gone: int, reasons: tuple[Reason, ...]
) -> TaskView:
    return TaskView(
        task_id=row.id,
        tenant=row.tenant,
        avatar_id=row.avatar_id,
        kind=row.kind,
        platform=row.platform,
        state=shown_state(row.state, counts),
        progress=percent(steps_gone=steps_gone, total=row.total),
        total=row.total,
        counts=counts,
        reasons=reasons,
        cost_usd_micros=row.cost_usd_micros,
        generation_time_ms=row.generation_time_ms,
        config=row.config,
        accepted_at=row.accepted_at,
        deadline_at=row.deadline_at,
        completed_at=row.completed_at,
    )


def _counted() -> LateralFromClause:
    def reached(rank: int) -> ColumnElement[int]:
        return func.count().filter(pieces.c.reached >= rank)

    def ended(state: str) -> ColumnElement[int]:
        return func.count().filter(pieces.c.state == state)

    settled = pieces.c.state.in_(sorted(SETTLED))
    under_way = func.sum(pieces.c.reached).filter(~settled)
    gone = func.coalesce(under_way, 0) + STEPS * func.count().filter(settled)
    return (
        select(
            func.count().label("requested"),
            reached(GENERATED).label("generated"),
            reached(HOOKED).label("hooked"),
            reached(MODERATED).label("moderated"),
            reached(STORED).label("stored"),
            ended(PERSISTED).label("persisted"),
            ended(REJECTED).label("rejected"),
            ended(FAILED).label("failed"),
            ended(PENDING_REVIEW).label("pending_review"),
            cast(gone, BigInteger).label("steps_gone"),
        )
        .where(pieces.c.task_id == tasks.c.id)
        .correlate(tasks)
        .lateral("counted")
    )


def _spent() -> LateralFromClause:
    made = (attempts.c.kind == "image") & (attempts.c.outcome == "succeeded")
    duration = func.sum(attempts.c.duration_ms).filter(made)
    return (
        select(
            cast(func.coalesce(func.sum(attempts.c.cost_usd_micros), 0), BigInteger).label(
                "cost_usd_micros"
            ),
            cast(func.coalesce(duration, 0), BigInteger).label("generation_time_ms"),
        )
        .where(attempts.c.task_id == tasks.c.id)
        .correlate(tasks)
        .lateral("spent")
    )


def _view_of_task() -> Select[Any]:
    counted, spent = _counted(), _spent()
    return (
        select(tasks, counted, spent)
        .select_from(tasks.join(counted, true()).join(spent, true()))
        .where(tasks.c.id == bindparam("task"), tasks.c.tenant == bindparam("of_tenant"))
    )


# Putting it together takes longer than asking it.
_VIEW = _view_of_task()


def _counts(row: Row[Any]) -> StageCounts:
    return StageCounts(**{name: getattr(row, name) for name in StageCounts.model_fields})


async def _counts_from_history(
    connection: AsyncConnection, row: Row[Any]
) -> tuple[StageCounts, int]:
    """What is left to say when the pieces went with their avatar."""
    found = await connection.execute(
        select(piece_events.c.fact, func.count(piece_events.c.piece_id.distinct()))
        .where(piece_events.c.task_id == row.id)
        .group_by(piece_events.c.fact)
    )
    by_fact = dict(tuple(row) for row in found)
    counts = StageCounts(
        requested=row.total, **{name: by_fact.get(fact, 0) for name, fact in _NOTED.items()}
    )
    return counts, STEPS * row.total


async def _reasons_from_history(connection: AsyncConnection, row: Row[Any]) -> tuple[Reason, ...]:
    found = await connection.execute(
        select(piece_events.c.piece_id, piece_events.c.fact, piece_events.c.detail)
        .where(piece_events.c.task_id == row.id)
        .where(piece_events.c.fact.in_([_NOTED[REJECTED], _NOTED[FAILED]]))
        .order_by(piece_events.c.id)
        .limit(_REASONS_SHOWN)
    )
    states = {fact: state for state, fact in _NOTED.items()}
    return tuple(
        Reason(
            piece_id=each.piece_id,
            state=states[each.fact],
            reason=each.detail["reason"],
            detail=each.detail["detail"][:_DETAIL_CHARS],
        )
        for each in found
    )


async def _reasons(
    connection: AsyncConnection, row: Row[Any], counts: StageCounts
) -> tuple[Reason, ...]:
    if not counts.rejected + counts.failed + counts.pending_review:
        return ()
    found = await connection.execute(
        select(pieces.c.id, pieces.c.state, pieces.c.reason, pieces.c.detail)
        .where(pieces.c.task_id == row.id, pieces.c.reason.is_not(None))
        .order_by(pieces.c.index)
        .limit(_REASONS_SHOWN)
    )
    return tuple(
        Reason(
            piece_id=each.id,
            state=each.state,
            reason=each.reason,
            detail=(each.detail or "")[:_DETAIL_CHARS],
        )
        for each in found
    )
