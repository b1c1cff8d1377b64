"""Wait until nothing is under way any more, as seen from outside: by SQL and on the broker."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.chaos.endpoint import AWAY, Endpoint

LOOK_EVERY_S = 0.25

_ROWS = """
    SELECT
      (SELECT count(*) FROM pieces WHERE state NOT IN
        ('persisted', 'rejected', 'failed', 'pending_review')) AS pieces,
      (SELECT count(*) FROM tasks WHERE completed_at IS NULL) AS tasks,
      (SELECT count(*) FROM outbox) AS outbox
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is still under way: pieces and tasks without an end, facts not told, messages queued.

    The queues are looked at once every piece and task has ended; until then nobody knows.
    """

    pieces: int
    tasks: int
    outbox: int
    queued: int | None

    @property
    def is_terminal(self) -> bool:
        """Whether every piece has ended or waits for review, and every task knows."""
        return not (self.pieces or self.tasks)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is left to be told or cleared away either."""
        return self.is_terminal and self.outbox == self.queued == 0


async def standing(endpoint: Endpoint) -> Standing | None:
    """How things stand; None while a server is away."""
    try:
        rows = await endpoint.row(_ROWS)
        seen = Standing(rows["pieces"], rows["tasks"], rows["outbox"], None)
        return replace(seen, queued=await _queued(endpoint)) if seen.is_terminal else seen
    except AWAY:
        return None


async def until(
    endpoint: Endpoint, holds: Callable[[Standing], bool], *, limit_s: float
) -> tuple[float | None, Standing | None]:
    """When `holds` was first seen, in seconds since 1970 or None, and how things stood then."""
    give_up_at = time.monotonic() + limit_s
    while True:
        seen = await standing(endpoint)
        if seen is not None and holds(seen):
            return time.time(), seen
        if time.monotonic() > give_up_at:
            return None, seen
        await asyncio.sleep(LOOK_EVERY_S)


async def _queued(endpoint: Endpoint) -> int:
    async with endpoint.broker() as client:
        js = client.jetstream()
        queued = 0
        for stream in await js.streams_info():
            for consumer in await js.consumers_info(str(stream.config.name)):
                queued += (consumer.num_pending or 0) + (consumer.num_ack_pending or 0)
        return queued
