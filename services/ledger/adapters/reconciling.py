"""Unknown calls, reconciled with the provider's bill: the cost is set, never added."""

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ledger.adapters.attempt_list import booked
from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import attempts
from services.ledger.domain.reconciling import Unclear, cost_said, is_news
from shared.calls import BookedAttempt, ReconcileAttempt
from shared.problems import not_found


class Reconciling:
    """The book of bills.

    The call stays `unknown`, for nobody saw its end; who said what it cost is kept with it. Its own
    settlement, should it still come, replaces what was said.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reconcile(self, request: ReconcileAttempt) -> BookedAttempt:
        """Set the final cost. The same again changes nothing.

        Raises Problem 404 attempt_not_found, 409 attempt_not_unknown, 422.
        """
        cost = cost_said(request.result, request.cost_usd_micros)
        async with self._database.write() as transaction:
            connection = transaction.connection
            if is_news(await _locked(connection, request), cost):
                await _write(connection, request, cost)
            is_it = attempts.c.attempt_id == request.attempt_id
            return booked((await connection.execute(select(attempts).where(is_it))).one())


async def _locked(connection: AsyncConnection, request: ReconcileAttempt) -> Unclear:
    found = await connection.execute(
        select(attempts)
        .where(attempts.c.attempt_id == request.attempt_id, attempts.c.tenant == request.tenant)
        .with_for_update()
    )
    row = found.one_or_none()
    if row is None:
        raise not_found("attempt", request.attempt_id)
    said = None if row.reconciled_at is None else row.cost_usd_micros
    return Unclear(row.outcome, said)


async def _write(connection: AsyncConnection, request: ReconcileAttempt, cost: int) -> None:
    await connection.execute(
        update(attempts)
        .where(attempts.c.attempt_id == request.attempt_id)
        .values(
            cost_usd_micros=cost,
            reconciled_at=func.clock_timestamp(),
            reconciled_by=request.by,
            reconcile_note=request.note,
        )
    )
