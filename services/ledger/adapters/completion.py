"""Tasks complete when the last of their pieces is settled.

The lock on the task's row sees to it that exactly one transaction notices.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Row,
    RowMapping,
    bindparam,
    cast,
    exists,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.conditions import UNDER_WAY
from services.ledger.adapters.database import Transaction
from services.ledger.adapters.schema import attempts, piece_events, pieces, tasks
from services.ledger.domain.endings import task_state
from shared.events import TaskCompleted
from shared.money import to_usd

log = structlog.get_logger(__name__)

_TASK: BindParameter[str] = bindparam("task")
_LOCK = (
    select(tasks)
    .where(tasks.c.id == _TASK, tasks.c.completed_at.is_(None))
    .with_for_update(key_share=True)
)
_IS_WAITED_FOR = select(exists().where(pieces.c.task_id == _TASK, UNDER_WAY))
_COUNTS = select(
    *(
        func.count().filter(pieces.c.state == name).label(name)
        for name in ("persisted", "rejected", "failed", "pending_review")
    )
).where(pieces.c.task_id == _TASK)
_CLOSE = (
    update(tasks)
    .where(tasks.c.id == _TASK)
    .values(state=bindparam("ends_as"), completed_at=func.clock_timestamp())
    .returning(tasks.c.completed_at)
)
_COST = select(cast(func.coalesce(func.sum(attempts.c.cost_usd_micros), 0), BigInteger)).where(
    attempts.c.task_id == _TASK
)
_HISTORY = (
    select(piece_events.c.fact, func.count(), func.max(piece_events.c.at))
    .where(piece_events.c.task_id == _TASK)
    .group_by(piece_events.c.fact)
)


async def complete_tasks(transaction: Transaction, task_ids: Iterable[str]) -> None:
    """Complete those tasks that wait for no piece any more, each once.

    Call it after the pieces were changed. Tasks are locked in the order of their ids.
    """
    for task_id in sorted(set(task_ids)):
        await _complete(transaction, task_id)


async def _complete(transaction: Transaction, task_id: str) -> None:
    connection = transaction.connection
    task = (await connection.execute(_LOCK, {"task": task_id})).one_or_none()
    # A new statement: it sees what everybody who held the lock before us has committed.
    if task is None or await _is_waited_for(transaction, task_id):
        return
    counts = await _counts(transaction, task_id)
    state = task_state(
        persisted=counts["persisted"],
        pending_review=counts["pending_review"],
        cancelled=task.cancelled_at is not None,
    )
    completed_at = await _close(transaction, task_id, state)
    fact = _fact(task, state, counts)
    transaction.facts.append(fact)
    duration_s = round((completed_at - task.accepted_at).total_seconds(), 3)

    async def tell(connection: AsyncConnection) -> None:
        _log_completed(fact, duration_s, await _report(connection, task))

    transaction.told_later.append(tell)


async def _close(transaction: Transaction, task_id: str, state: str) -> datetime:
    closed = await transaction.connection.execute(_CLOSE, {"task": task_id, "ends_as": state})
    moment: datetime = closed.scalar_one()
    return moment


async def _is_waited_for(transaction: Transaction, task_id: str) -> bool:
    waiting = await transaction.connection.execute(_IS_WAITED_FOR, {"task": task_id})
    return bool(waiting.scalar_one())


async def _counts(transaction: Transaction, task_id: str) -> RowMapping:
    return (await transaction.connection.execute(_COUNTS, {"task": task_id})).mappings().one()


def _fact(task: Row[Any], state: str, counts: RowMapping) -> TaskCompleted:
    return TaskCompleted.model_validate(
        {
            "tenant": task.tenant,
            "task_id": task.id,
            "deadline_at": task.deadline_at,
            "avatar_id": task.avatar_id,
            "state": state,
            "total": task.total,
            **counts,
        }
    )


async def _report(connection: AsyncConnection, task: Row[Any]) -> dict[str, object]:
    """Cost so far, and for each fact how many pieces had it and when the last of them did."""
    cost = await connection.execute(_COST, {"task": task.id})
    facts = await connection.execute(_HISTORY, {"task": task.id})
    steps = {
        fact: {"pieces": count, "last_after_s": round((at - task.accepted_at).total_seconds(), 3)}
        for fact, count, at in facts
    }
    return {"cost_usd": str(to_usd(cost.scalar_one())), "steps": steps}


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
