"""The copywriters one after the other, until every piece of a batch has captions."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.hooks.domain.failures import CopyFailure
from services.hooks.handler.books import Books
from services.hooks.handler.buying import BuyCaptions
from services.hooks.handler.jobs import Batch, Job, Outcome
from services.hooks.handler.screening import Screening
from services.hooks.handler.writer import Writer

_CALLS_EACH = 2
"""Who gives some captions, or none for a passing reason, is asked once more for the rest."""

_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """Every job gets an outcome, whatever happens; the standing-in is left to who asks."""

    writers: Sequence[Writer]
    screening: Screening
    buy: BuyCaptions
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def __call__(self, jobs: Sequence[Job], books: Books) -> list[Outcome]:
        """The outcomes in the order of the jobs, which are all for one avatar and platform."""
        batch = Batch(jobs)
        try:
            await self._write(batch, books)
        except Exception as exc:  # noqa: BLE001 - each job's own bringer raises it
            batch.outcomes.update(dict.fromkeys(batch.left, exc))
        return batch.end()

    async def _write(self, batch: Batch, books: Books) -> None:
        if any(writer.may_be_asked for writer in self.writers):
            await self.screening.admit(batch)
        for writer in self.writers:
            await self._ask(writer, batch, books)

    async def _ask(self, writer: Writer, batch: Batch, books: Books) -> None:
        for _ in range(_CALLS_EACH):
            if not batch.left:
                return
            admission = writer.admit()
            if admission is None:
                break
            try:
                await self.buy(writer, admission, batch, books)
            except CopyFailure as failure:
                if not failure.is_worth_another_call:
                    break
                await self.sleep(_PAUSE_S * (1 + random.random()))  # noqa: S311 - spreads
        if writer.rest_s > 0:
            batch.wait_for(writer.rest_s)
