"""A judge behind a circuit breaker: who does not answer is not asked for a while."""

import asyncio
from dataclasses import dataclass

import structlog

from services.safety.domain.submission import Submission
from services.safety.ports import Busy, Judge
from shared.breaker import Breaker, State
from shared.content import JudgeReport
from shared.outcomes import TryLater

log = structlog.get_logger(__name__)

LONGEST_WAIT_S = 30.0
"""A piece comes back at least so often, however long the pause."""


@dataclass(frozen=True, slots=True)
class GuardedJudge:
    """Passes the question on while the breaker lets it through, and tells how it went.

    Being busy is no failure: whoever says so is there. To take longer than `limit_s` is one.
    """

    inner: Judge
    breaker: Breaker
    limit_s: float

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def state(self) -> State:
        """Whether the judge is asked at present."""
        return self.breaker.state

    def concerns(self, submission: Submission) -> bool:
        return self.inner.concerns(submission)

    async def judge(self, submission: Submission) -> JudgeReport | None:
        admission = self.breaker.admit()
        if admission is None:
            wait_s = min(self.breaker.wait_s, LONGEST_WAIT_S)
            raise TryLater(f"{self.name} has not answered lately; it is left alone", after=wait_s)
        try:
            report = await self._answer(submission)
        except Busy:
            admission.dropped()
            raise
        except TryLater as exc:
            admission.failed()
            log.warning("judge.away", judge=self.name, detail=exc.detail, state=self.state.value)
            raise
        except BaseException:
            admission.dropped()
            raise
        admission.succeeded()
        return report

    async def _answer(self, submission: Submission) -> JudgeReport | None:
        try:
            async with asyncio.timeout(self.limit_s):
                return await self.inner.judge(submission)
        except TimeoutError as exc:
            raise TryLater(f"{self.name}: no answer within {self.limit_s:g} s") from exc
