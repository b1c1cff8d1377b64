"""Safety with a judge who finds nothing at once, or after `BENCH_JUDGE_SECONDS`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.atelier.slowness import Slowness
from services.safety.app import assemble, open_rules
from services.safety.domain.submission import Submission
from services.safety.settings import SafetySettings
from shared.content import JudgeReport
from shared.service import Service, open_service, run


class FindsNothing:
    """Scores whatever it is shown with 0, as a classifier would that finds nothing."""

    name = "classifier"

    def __init__(self, categories: tuple[str, ...], takes_s: float) -> None:
        self._scores = dict.fromkeys(categories, 0.0)
        self._takes_s = takes_s

    def concerns(self, submission: Submission) -> bool:
        return submission.image is not None

    async def judge(self, submission: Submission) -> JudgeReport | None:
        del submission
        if self._takes_s:
            await asyncio.sleep(self._takes_s)
        return JudgeReport(judge=self.name, model="none", image_scores=self._scores)


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Safety as shipped, with this judge."""
    rules = await asyncio.to_thread(open_rules)
    judge = FindsNothing(rules.moderation.required_on_image, Slowness().bench_judge_seconds)
    async with open_service("safety", settings) as service:
        assemble(service, [judge], rules, settings)
        yield service


if __name__ == "__main__":
    run("safety", SafetySettings, open_app)
