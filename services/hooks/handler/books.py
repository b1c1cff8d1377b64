"""Where calls are entered: in the ledger's books, or in none."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from services.hooks.handler.jobs import Job
from services.hooks.ports import Attempts, CallTerms
from shared.calls import AttemptAnswer
from shared.content import Captions
from shared.events import AttemptSettled, ImageGenerated
from shared.factlog import utc_now
from shared.outcomes import TryLater

_UNTIL_READ_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0)
"""Waits for the ledger to read what it was just told."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended for one piece, and the piece's share of what it cost."""

    provider: str
    outcome: Literal["succeeded", "failed", "unknown"]
    duration_ms: int
    cost_usd_micros: int = 0
    captions: Captions | None = None
    error_code: str | None = None
    detail: str = ""


class Books(Protocol):
    """Who is asked before a call, and told after it."""

    async def open(self, job: Job, terms: CallTerms) -> AttemptAnswer:
        """Leave to call for this piece. Raises TryLater and GiveUp."""
        ...

    async def settle(self, job: Job, attempt_id: str, ended: Ended) -> None:
        """Enter the end. Raises TryLater when that cannot be done before the piece's deadline."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerBooks:
    """For pieces: the ledger allows every call and hears of every end."""

    attempts: Attempts
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def open(self, job: Job, terms: CallTerms) -> AttemptAnswer:
        # Who asks once more does so right after the settlement of the call before. To come back by
        # the queue would forget that call, and buy it again and again.
        for wait_s in _UNTIL_READ_S:
            answer = await self.attempts.open(_event(job), terms)
            if answer.reason != "unread":
                return answer
            await self.sleep(wait_s)
        return await self.attempts.open(_event(job), terms)

    async def settle(self, job: Job, attempt_id: str, ended: Ended) -> None:
        settled = _settled(_event(job), attempt_id, ended)
        delay_s = 0.2
        while True:
            try:
                # Money is spent: what fails now is tried again until the piece's deadline.
                return await self.attempts.settle(settled)
            except TryLater:
                if self.now() >= settled.deadline_at:
                    raise
                await self.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)


@dataclass(slots=True)
class NoBooks:
    """For words without a piece: nobody is asked, and what it all cost is added up."""

    cost_usd_micros: int = 0

    async def open(self, job: Job, terms: CallTerms) -> AttemptAnswer:
        del job, terms  # nothing is limited
        return AttemptAnswer(answer="go", attempt_id="")

    async def settle(self, job: Job, attempt_id: str, ended: Ended) -> None:
        del job, attempt_id  # only the sum is told
        self.cost_usd_micros += ended.cost_usd_micros


def _event(job: Job) -> ImageGenerated:
    if job.event is None:
        raise ValueError("only pieces are on the ledger's books")
    return job.event


def _settled(event: ImageGenerated, attempt_id: str, ended: Ended) -> AttemptSettled:
    return AttemptSettled(
        tenant=event.tenant,
        task_id=event.task_id,
        deadline_at=event.deadline_at,
        piece_id=event.piece_id,
        run=event.run,
        attempt_id=attempt_id,
        provider=ended.provider,
        kind="captions",
        outcome=ended.outcome,
        error_code=ended.error_code,
        detail=ended.detail[:300],
        duration_ms=ended.duration_ms,
        cost_usd_micros=ended.cost_usd_micros,
        captions=ended.captions,
    )
