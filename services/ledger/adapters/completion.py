"""Tasks complete when the last of their pieces is settled.

The lock on the task's row sees to it that exactly one transaction notices.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, RowMapping, select, text

from services.ledger.adapters.completion_reports import report_of
from services.ledger.adapters.conditions import named
from services.ledger.adapters.database import Transaction
from services.ledger.adapters.schema import tasks
from services.ledger.domain.endings import task_state
from shared.events import TaskCompleted

_LOCK = (
    select(
        tasks.c.id,
        tasks.c.tenant,
        tasks.c.avatar_id,
        tasks.c.total,
        tasks.c.accepted_at,
        tasks.c.deadline_at,
        tasks.c.cancelled_at,
    )
    .where(named(tasks.c.id, "these"), tasks.c.completed_at.is_(None))
    .order_by(tasks.c.id)
    .with_for_update(key_share=True)
)
# Pieces are counted once, at the end, and not with each of them.
_DONE = text("""
WITH done AS MATERIALIZED (
    SELECT task_id FROM unnest(CAST(:these AS text[])) AS asked (task_id)
    WHERE NOT EXISTS (
        SELECT FROM pieces WHERE pieces.task_id = asked.task_id
        AND state IN ('requested', 'generated', 'hooked', 'moderated')
    )
)
SELECT done.task_id, counted.* FROM done CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE state = 'persisted') AS persisted,
        count(*) FILTER (WHERE state = 'rejected') AS rejected,
        count(*) FILTER (WHERE state = 'failed') AS failed,
        count(*) FILTER (WHERE state = 'pending_review') AS pending_review
    FROM pieces WHERE pieces.task_id = done.task_id
) AS counted ORDER BY done.task_id
""")
_CLOSE = text("""
UPDATE tasks SET state = closed.state, completed_at = clock_timestamp()
FROM unnest(CAST(:these AS text[]), CAST(:states AS text[])) AS closed (task_id, state)
WHERE tasks.id = closed.task_id RETURNING tasks.id, tasks.completed_at
""")


async def complete_tasks(transaction: Transaction, task_ids: Iterable[str]) -> None:
    """Complete those tasks that wait for no piece any more, each once.

    Call it after the pieces were changed. Tasks are locked in the order of their ids.
    """
    these = sorted(set(task_ids))
    if not these:
        return
    connection = transaction.connection
    found: Iterable[Any] = await connection.execute(_LOCK, {"these": these})
    locked: dict[str, Row[Any]] = {row.id: row for row in found}
    if not locked:
        return
    # A new statement: it sees what everybody who held the locks before us has committed.
    done = await connection.execute(_DONE, {"these": list(locked)})
    counts = {row["task_id"]: row for row in done.mappings()}
    if counts:
        await _complete(transaction, [locked[ident] for ident in counts], counts)


async def _complete(
    transaction: Transaction, done: Sequence[Row[Any]], counts: Mapping[str, RowMapping]
) -> None:
    facts = [_fact(task, counts[task.id]) for task in done]
    transaction.facts.extend(facts)
    states = {"these": [task.id for task in done], "states": [fact.state for fact in facts]}
    closed = await transaction.connection.execute(_CLOSE, states)
    completed_at = {row.id: row.completed_at for row in closed}
    for task, fact in zip(done, facts, strict=True):
        took = completed_at[task.id] - task.accepted_at
        transaction.told_later.append(report_of(fact, task.accepted_at, took))


def _fact(task: Row[Any], counts: RowMapping) -> TaskCompleted:
    state = task_state(
        persisted=counts["persisted"],
        pending_review=counts["pending_review"],
        cancelled=task.cancelled_at is not None,
    )
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
