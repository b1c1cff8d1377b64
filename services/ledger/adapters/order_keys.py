"""Keys that clients choose for their orders, so that asking twice orders once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import order_keys
from shared.calls import AcceptTask, OrderKey
from shared.problems import Problem

KEPT = timedelta(days=7)
_BATCH = 1000

KEY = ("tenant", "key", "body_sha256", "task_id")
_KEPT = (
    select(order_keys.c.task_id, order_keys.c.body_sha256)
    .where(order_keys.c.tenant == bindparam("of_tenant"), order_keys.c.key == bindparam("kept"))
    .where(order_keys.c.created_at >= func.now() - KEPT)
)
_WRITE = upsert(order_keys).on_conflict_do_nothing().returning(order_keys.c.task_id)


def _instead_of_old() -> ReturningInsert[Any]:
    entry = upsert(order_keys)
    return entry.on_conflict_do_update(
        index_elements=[order_keys.c.tenant, order_keys.c.key],
        set_={
            "body_sha256": entry.excluded.body_sha256,
            "task_id": entry.excluded.task_id,
            "created_at": func.now(),
        },
        where=order_keys.c.created_at < func.now() - KEPT,
    ).returning(order_keys.c.task_id)


_INSTEAD_OF_OLD = _instead_of_old()


async def claim(connection: AsyncConnection, request: AcceptTask) -> str | None:
    """Take the order's key for its task, or give the id of the task that has it.

    Whoever comes second waits here until the first has committed or failed. Raises Problem 409
    idempotency_conflict.
    """
    if request.order_key is None:
        return None
    row = key_row(request, request.order_key)
    if await _is_written(connection, _WRITE, row):
        return None
    earlier = await ordered_by(connection, request.tenant, request.order_key)
    if earlier is not None:
        return earlier
    # Only now: this locks the row, and asking again shall write nothing and keep nobody waiting.
    if await _is_written(connection, _INSTEAD_OF_OLD, row):
        return None
    return await ordered_by(connection, request.tenant, request.order_key)


def key_row(request: AcceptTask, order_key: OrderKey) -> dict[str, str]:
    """The row of a key and its task."""
    return {
        "tenant": request.tenant,
        "key": order_key.key,
        "body_sha256": order_key.body_sha256,
        "task_id": request.task_id,
    }


async def _is_written(
    connection: AsyncConnection, write: ReturningInsert[Any], row: dict[str, str]
) -> bool:
    written = await connection.execute(write, row)
    return written.one_or_none() is not None


async def ordered_by(connection: AsyncConnection, tenant: str, order_key: OrderKey) -> str | None:
    """The task of a key that is kept. Raises Problem 409 if it stands for another order."""
    found = await connection.execute(_KEPT, {"of_tenant": tenant, "kept": order_key.key})
    row = found.one_or_none()
    if row is None:
        return None
    if row.body_sha256 != order_key.body_sha256:
        raise another_order()
    task_id: str = row.task_id
    return task_id


def another_order() -> Problem:
    """409: the key stands for another order."""
    detail = "This Idempotency-Key was used for another order; choose a new key."
    return Problem(409, "idempotency_conflict", detail, field="Idempotency-Key")


class OrderKeys:
    """The book of order keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_old(self) -> None:
        """Delete what is kept no longer, some at a time."""
        while await self._forget_some() == _BATCH:
            pass

    async def _forget_some(self) -> int:
        row = tuple_(order_keys.c.tenant, order_keys.c.key)
        old = (
            select(order_keys.c.tenant, order_keys.c.key)
            .where(order_keys.c.created_at < func.now() - KEPT)
            .limit(_BATCH)
            .with_for_update(skip_locked=True)
        )
        async with self._database.write() as transaction:
            gone = await transaction.connection.execute(delete(order_keys).where(row.in_(old)))
            return gone.rowcount
