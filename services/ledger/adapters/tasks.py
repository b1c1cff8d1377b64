"""Tasks: accepted in one transaction, shown, cancelled."""

from collections.abc import Sequence

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.conditions import UNDER_WAY
from services.ledger.adapters.database import Database, Transaction
from services.ledger.adapters.entering import (
    HOLD_AVATAR,
    PIECE,
    TASK,
    entered_at_once,
    piece_rows,
    remembered_request,
    task_row,
)
from services.ledger.adapters.failing import fail
from services.ledger.adapters.history import remember
from services.ledger.adapters.order_keys import another_order, claim, ordered_by
from services.ledger.adapters.rowsets import inserting
from services.ledger.adapters.schema import pieces, tasks
from services.ledger.adapters.task_rows import view_of_new, view_task
from services.ledger.domain.freezing import avatar_frozen
from shared.calls import AcceptTask, FindOrder, FoundOrder, TaskRef, TaskView
from shared.events import ContentRequested
from shared.problems import Problem, not_found

log = structlog.get_logger(__name__)


_NEW_TASK = (
    inserting("new_tasks", tasks, TASK)
    .on_conflict_do_nothing(index_elements=[tasks.c.id])
    .returning(tasks.c.id)
)
_NEW_PIECES = inserting("new_pieces", pieces, PIECE)


class Tasks:
    """The task book."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, request: AcceptTask, requested: Sequence[ContentRequested]) -> TaskView:
        """Record task, pieces and their first facts in one go; the same task id again is shown.

        So is the task that was ordered by the same key before. Raises Problem 400
        avatar_without_lora, 403 avatar_frozen, 404 avatar_not_found, 409 task_id_taken and
        idempotency_conflict.
        """
        if await entered_at_once(self._database, request, requested):
            _log_accepted(request)
            return view_of_new(request)
        # Something is in its way. Looked at step by step, each with the locks before it held.
        async with self._database.write() as transaction:
            earlier = await claim(transaction.connection, request)
            if earlier is not None:
                return await view_task(transaction.connection, request.tenant, earlier)
            if await _is_new(transaction.connection, request):
                await _check_avatar(transaction.connection, request)
                await _write_pieces(transaction.connection, requested)
                transaction.facts.extend(requested)
                transaction.afterwards.append(lambda: _log_accepted(request))
            return await view_task(transaction.connection, request.tenant, request.task_id)

    async def find_order(self, request: FindOrder) -> FoundOrder:
        """The task that was ordered by a key. Raises Problem 409 idempotency_conflict."""
        async with self._database.read() as connection:
            task_id = await ordered_by(connection, request.tenant, request.order_key)
            if task_id is None:
                return FoundOrder()
            return FoundOrder(task=await view_task(connection, request.tenant, task_id))

    async def get(self, request: TaskRef) -> TaskView:
        """The task as it stands. Raises Problem 404."""
        async with self._database.read() as connection:
            return await view_task(connection, request.tenant, request.task_id)

    async def cancel(self, request: TaskRef) -> TaskView:
        """End what has not begun; what is under way goes on. Cancelling twice is cancelling once.

        Raises Problem 404, and 409 task_already_finished.
        """
        async with self._database.write() as transaction:
            await _check_cancellable(transaction.connection, request)
            await _fail_unbegun(transaction, request.task_id)
            await _mark_cancelled(transaction.connection, request)
            await complete_tasks(transaction, [request.task_id])
        async with self._database.read() as connection:
            return await view_task(connection, request.tenant, request.task_id)


async def _is_new(connection: AsyncConnection, request: AcceptTask) -> bool:
    inserted = await connection.execute(_NEW_TASK, {"new_tasks": [task_row(request)]})
    if inserted.one_or_none() is not None:
        return True
    await _check_same_order(connection, request)
    return False


async def _check_same_order(connection: AsyncConnection, request: AcceptTask) -> None:
    found = await connection.execute(
        select(tasks.c.tenant, tasks.c.body_sha256).where(tasks.c.id == request.task_id)
    )
    task = found.one()
    if task.tenant != request.tenant:
        raise Problem(409, "task_id_taken", "This task id is in use.", field="task_id")
    # A task id may follow from a key, and outlives it.
    key = request.order_key
    if key is not None and task.body_sha256 not in (None, key.body_sha256):
        raise another_order()


async def _check_avatar(connection: AsyncConnection, request: AcceptTask) -> None:
    parameters = {"avatar": request.avatar_id, "of_tenant": request.tenant}
    found = await connection.execute(HOLD_AVATAR, parameters)
    avatar = found.one_or_none()
    if avatar is None:
        raise not_found("avatar", request.avatar_id)
    if avatar.is_frozen:
        raise avatar_frozen(
            "The avatar, or another with its weights, is frozen:"
            " nothing more is made until an administrator unfreezes it."
        )
    if not avatar.lora_weights_url:
        raise Problem(400, "avatar_without_lora", "Avatar has no trained LoRA weights")


async def _write_pieces(connection: AsyncConnection, requested: Sequence[ContentRequested]) -> None:
    await connection.execute(_NEW_PIECES, {"new_pieces": piece_rows(requested)})
    await remember(connection, [remembered_request(fact) for fact in requested])


async def _check_cancellable(connection: AsyncConnection, request: TaskRef) -> None:
    found = await connection.execute(
        select(tasks.c.completed_at, tasks.c.cancelled_at).where(
            tasks.c.id == request.task_id, tasks.c.tenant == request.tenant
        )
    )
    task = found.one_or_none()
    if task is None:
        raise not_found("task", request.task_id)
    if task.completed_at is not None and task.cancelled_at is None:
        raise Problem(409, "task_already_finished", "The task has finished; nothing to cancel.")


async def _fail_unbegun(transaction: Transaction, task_id: str) -> None:
    unbegun = await transaction.connection.execute(
        select(pieces)
        .where(pieces.c.task_id == task_id, pieces.c.begun_at.is_(None), UNDER_WAY)
        .where(pieces.c.state == "requested")
        .order_by(pieces.c.id)
        .with_for_update()
    )
    await fail(
        transaction,
        unbegun.mappings().all(),
        reason="cancelled",
        detail="the task was cancelled in time",
    )


async def _mark_cancelled(connection: AsyncConnection, request: TaskRef) -> None:
    marked = await connection.execute(
        update(tasks)
        .where(tasks.c.id == request.task_id)
        .where(tasks.c.completed_at.is_(None) | tasks.c.cancelled_at.is_not(None))
        .values(cancelled_at=func.coalesce(tasks.c.cancelled_at, func.clock_timestamp()))
        .returning(tasks.c.id)
    )
    if marked.one_or_none() is None:
        # It finished between our look and our lock.
        raise Problem(409, "task_already_finished", "The task has finished; nothing to cancel.")


def _log_accepted(request: AcceptTask) -> None:
    log.info(
        "task.accepted",
        task_id=request.task_id,
        tenant=request.tenant,
        avatar_id=request.avatar_id,
        pieces=len(request.briefs),
        lane=request.lane.value,
        platform=request.platform.value,
    )
