"""What is logged of a task that has completed: what it cost, and how long its steps took."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import BigInteger, BindParameter, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Tell
from services.ledger.adapters.schema import attempts, piece_events
from shared.events import TaskCompleted
from shared.money import to_usd

log = structlog.get_logger(__name__)

_TASK: BindParameter[str] = bindparam("task")
_COST = (
    select(cast(func.coalesce(func.sum(attempts.c.cost_usd_micros), 0), BigInteger))
    .where(attempts.c.task_id == _TASK)
    .scalar_subquery()
)
_REPORT = (
    select(
        piece_events.c.fact,
        func.count().label("pieces"),
        func.max(piece_events.c.at).label("last_at"),
        _COST.label("cost_usd_micros"),
    )
    .where(piece_events.c.task_id == _TASK)
    .group_by(piece_events.c.fact)
)


def report_of(fact: TaskCompleted, accepted_at: datetime, took: timedelta) -> Tell:
    """Log a completed task, with what the database says of it by then."""

    async def tell(connection: AsyncConnection) -> None:
        report = await _report(connection, fact.task_id, accepted_at)
        _log_completed(fact, round(took.total_seconds(), 3), report)

    return tell


async def _report(
    connection: AsyncConnection, task_id: str, accepted_at: datetime
) -> dict[str, object]:
    """Cost so far, and for each fact how many pieces had it and when the last of them did."""
    rows = (await connection.execute(_REPORT, {"task": task_id})).all()
    steps = {
        row.fact: {
            "pieces": row.pieces,
            "last_after_s": round((row.last_at - accepted_at).total_seconds(), 3),
        }
        for row in rows
    }
    # Whatever has completed has a history.
    return {"cost_usd": str(to_usd(rows[0].cost_usd_micros)), "steps": steps}


def _log_completed(fact: TaskCompleted, duration_s: float, report: dict[str, object]) -> None:
    log.info(
        "task.completed",
        task_id=fact.task_id,
        tenant=fact.tenant,
        state=fact.state,
        pieces=fact.total,
        persisted=fact.persisted,
        rejected=fact.rejected,
        failed=fact.failed,
        pending_review=fact.pending_review,
        duration_s=duration_s,
        **report,
    )
