"""Pieces that are late or silent, found by the database's clock."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import exists, func, select, text, update

from services.ledger.adapters.completion import complete_tasks
from services.ledger.adapters.conditions import UNDER_WAY
from services.ledger.adapters.database import Database
from services.ledger.adapters.failing import fail
from services.ledger.adapters.next_run import begin_next_run
from services.ledger.adapters.schema import attempts, outbox, pieces, tasks
from services.ledger.domain.endings import SETTLED
from services.ledger.ports import Stalled
from shared.content import Lane

_BATCH = 200
_ONE_SWEEPER = 4_021_770_132
"""Key of the advisory lock of the sweeping replica."""


class Overdue:
    """The sweeper's view of the books."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether we are the one replica that sweeps, for as long as the block lasts."""
        async with self._database.write() as transaction:
            got = await transaction.connection.execute(
                text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _ONE_SWEEPER}
            )
            yield bool(got.scalar_one())

    async def end_overdue(self, *, grace_s: float) -> int:
        """Fail pieces whose deadline passed `grace_s` ago; how many."""
        limit = func.clock_timestamp() - timedelta(seconds=grace_s)
        async with self._database.write() as transaction:
            found = await transaction.connection.execute(
                select(pieces)
                .where(UNDER_WAY, pieces.c.deadline_at < limit)
                .order_by(pieces.c.id)
                .limit(_BATCH)
                .with_for_update(skip_locked=True)
            )
            rows = found.mappings().all()
            await fail(transaction, rows, reason="deadline", detail="not finished in time")
            await complete_tasks(transaction, {row["task_id"] for row in rows})
        return len(rows)

    async def forget_lost_calls(self) -> int:
        """Record as unknown what settled or deleted pieces left open; how many."""
        waiting = exists().where(
            pieces.c.id == attempts.c.piece_id, pieces.c.state.not_in(sorted(SETTLED))
        )
        async with self._database.write() as transaction:
            lost = await transaction.connection.execute(
                update(attempts)
                .where(attempts.c.outcome == "open", ~waiting)
                .where(attempts.c.lease_until < func.clock_timestamp())
                .values(outcome="unknown")
            )
            return lost.rowcount

    async def stalled(self, *, quiet_s: float) -> Sequence[Stalled]:
        """Some pieces without progress for `quiet_s`; none while the outbox itself is behind."""
        limit = func.clock_timestamp() - timedelta(seconds=quiet_s)
        behind = exists().where(outbox.c.created_at < limit)
        async with self._database.read() as connection:
            found = await connection.execute(
                select(pieces, tasks.c.lane)
                .join(tasks, tasks.c.id == pieces.c.task_id)
                .where(UNDER_WAY, pieces.c.progressed_at < limit, ~behind)
                .where(pieces.c.deadline_at > func.clock_timestamp())
                .order_by(pieces.c.progressed_at)
                .limit(_BATCH)
            )
            return [
                Stalled(
                    tenant=row.tenant,
                    task_id=row.task_id,
                    piece_id=row.id,
                    run=row.current_run,
                    lane=Lane(row.lane),
                    progressed_at=row.progressed_at,
                )
                for row in found
            ]

    async def request_again(self, piece: Stalled) -> bool:
        """Begin the next run, unless the piece has moved since it was seen."""
        async with self._database.write() as transaction:
            return await begin_next_run(
                transaction,
                pieces.c.id == piece.piece_id,
                pieces.c.current_run == piece.run,
                pieces.c.progressed_at == piece.progressed_at,
                because="stalled",
            )
