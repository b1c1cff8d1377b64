"""Keys that clients choose for their orders, so that asking twice orders once."""

from datetime import timedelta

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import order_keys
from shared.calls import AcceptTask, OrderKey
from shared.problems import Problem

KEPT = timedelta(days=7)
_BATCH = 1000


async def claim(connection: AsyncConnection, request: AcceptTask) -> str | None:
    """Take the order's key for its task, or give the id of the task that has it.

    Whoever comes second waits here until the first has committed or failed. Raises Problem 409
    idempotency_conflict.
    """
    if request.order_key is None:
        return None
    entry = _entry(request, request.order_key)
    if await _is_written(connection, entry.on_conflict_do_nothing()):
        return None
    earlier = await ordered_by(connection, request.tenant, request.order_key)
    if earlier is not None:
        return earlier
    # Only now: this locks the row, and asking again shall write nothing and keep nobody waiting.
    if await _is_written(connection, _instead_of_old(entry)):
        return None
    return await ordered_by(connection, request.tenant, request.order_key)


def _entry(request: AcceptTask, order_key: OrderKey) -> Insert:
    return upsert(order_keys).values(
        tenant=request.tenant,
        key=order_key.key,
        body_sha256=order_key.body_sha256,
        task_id=request.task_id,
    )


def _instead_of_old(entry: Insert) -> Insert:
    return entry.on_conflict_do_update(
        index_elements=[order_keys.c.tenant, order_keys.c.key],
        set_={
            "body_sha256": entry.excluded.body_sha256,
            "task_id": entry.excluded.task_id,
            "created_at": func.now(),
        },
        where=order_keys.c.created_at < func.now() - KEPT,
    )


async def _is_written(connection: AsyncConnection, entry: Insert) -> bool:
    written = await connection.execute(entry.returning(order_keys.c.task_id))
    return written.one_or_none() is not None


async def ordered_by(connection: AsyncConnection, tenant: str, order_key: OrderKey) -> str | None:
    """The task of a key that is kept. Raises Problem 409 if it stands for another order."""
    found = await connection.execute(
        select(order_keys.c.task_id, order_keys.c.body_sha256)
        .where(order_keys.c.tenant == tenant, order_keys.c.key == order_key.key)
        .where(order_keys.c.created_at >= func.now() - KEPT)
    )
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
