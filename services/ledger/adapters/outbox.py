"""Facts that were committed with the rows they tell of, on their way to the broker."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Interval,
    Row,
    any_,
    bindparam,
    delete,
    exists,
    func,
    select,
)

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import outbox
from services.ledger.ports import Published
from shared import failpoints
from shared.events import FACTS, Fact
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

_BATCH = 200
_IS_OLD = outbox.c.created_at <= func.clock_timestamp() - bindparam("age", type_=Interval)
_TAKE = (
    select(outbox)
    .where(_IS_OLD)
    .order_by(outbox.c.id)
    .limit(_BATCH)
    .with_for_update(skip_locked=True)
)
_IS_LEFT = select(exists().where(_IS_OLD))
_FORGET = delete(outbox).where(outbox.c.id == any_(bindparam("these", type_=ARRAY(BigInteger))))
_KINDS = {fact.NAME: fact for fact in FACTS}


class PostgresOutbox:
    """The outbox table. Several relays may work on it: each holds the rows it has taken.

    A fact written twice is refused by the broker, so a crash before a row is forgotten, or two
    relays with the same row, cost nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._published: list[int] = []

    async def publish_fresh(self, write: Callable[[Fact], Awaitable[object]]) -> None:
        """Write what was committed here a moment ago; what cannot be written stays in its row.

        Rows of what was written stay until `forget_published`: their deletion is a transaction that
        nobody waits for, and would be in the way of the next step's.
        """
        fresh = self._database.fresh
        while fresh:
            taken = [fresh.popleft() for _ in range(min(_BATCH, len(fresh)))]
            results = await asyncio.gather(*(_is_written(row, fact, write) for row, fact in taken))
            failpoints.reach("relay/after_puback")
            written = [row for (row, _), done in zip(taken, results, strict=True) if done]
            self._published.extend(written)

    async def forget_published(self) -> None:
        """Delete the rows of what `publish_fresh` has written.

        Those of a try that fails are found by `publish_some`, and refused by the broker.
        """
        these, self._published = self._published, []
        if these:
            await self._database.do(_FORGET, {"these": these})

    async def publish_some(
        self, write: Callable[[Fact], Awaitable[object]], *, older_than_s: float = 0.0
    ) -> Published:
        """Take the oldest free rows, write them all at once, forget what was written."""
        age = {"age": timedelta(seconds=older_than_s)}
        async with self._database.read() as connection:
            # Mostly there is nothing, which one question tells.
            if not (await connection.execute(_IS_LEFT, age)).scalar_one():
                return Published(0, 0, more=False)
        async with self._database.write() as transaction:
            connection = transaction.connection
            found = await connection.execute(_TAKE, age)
            rows = found.all()
            results = await asyncio.gather(*(_publish(row, write) for row in rows))
            written = [row.id for row, done in zip(rows, results, strict=True) if done]
            if written:
                await connection.execute(_FORGET, {"these": written})
        return Published(len(rows), sum(results), more=len(rows) == _BATCH)


async def _publish(row: Row[Any], write: Callable[[Fact], Awaitable[object]]) -> bool:
    try:
        fact = _KINDS[row.fact].model_validate(row.body)
    except (KeyError, ValidationError) as exc:
        # Left by a release that knew more than we do; its replicas will take it.
        log.warning("outbox.unreadable", row=row.id, fact=row.fact, error=type(exc).__name__)
        return False
    return await _is_written(row.id, fact, write)


async def _is_written(row: int, fact: Fact, write: Callable[[Fact], Awaitable[object]]) -> bool:
    try:
        await write(fact)
    except TryLater as exc:
        log.debug("outbox.not_published", row=row, fact=fact.NAME, error=exc.detail)
        return False
    return True
