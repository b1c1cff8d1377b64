"""Facts that were committed with the rows they tell of, on their way to the broker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Row, delete, select

from services.ledger.adapters.database import Database
from services.ledger.adapters.schema import outbox
from services.ledger.ports import Published
from shared import failpoints
from shared.events import FACTS, Fact
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

_BATCH = 200
_KINDS = {fact.NAME: fact for fact in FACTS}


class PostgresOutbox:
    """The outbox table. Several relays may work on it: each holds the rows it has taken."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish_some(self, write: Callable[[Fact], Awaitable[object]]) -> Published:
        """Take the oldest free rows, write them all at once, forget what was written.

        A fact written twice is refused by the broker, so a crash before the commit costs nothing.
        """
        async with self._database.write() as transaction:
            connection = transaction.connection
            found = await connection.execute(
                select(outbox).order_by(outbox.c.id).limit(_BATCH).with_for_update(skip_locked=True)
            )
            rows = found.all()
            results = await asyncio.gather(*(_publish(row, write) for row in rows))
            failpoints.reach("relay/after_puback")
            written = [row.id for row, is_written in zip(rows, results, strict=True) if is_written]
            if written:
                await connection.execute(delete(outbox).where(outbox.c.id.in_(written)))
        return Published(len(rows), len(written), more=len(rows) == _BATCH)


async def _publish(row: Row[Any], write: Callable[[Fact], Awaitable[object]]) -> bool:
    try:
        await write(_KINDS[row.fact].model_validate(row.body))
    except TryLater as exc:
        log.debug("outbox.not_published", row=row.id, fact=row.fact, error=exc.detail)
        return False
    except (KeyError, ValidationError) as exc:
        # Left by a release that knew more than we do; its replicas will take it.
        log.warning("outbox.unreadable", row=row.id, fact=row.fact, error=type(exc).__name__)
        return False
    return True
