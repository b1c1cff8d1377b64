"""Safety with a judge who approves at once, or after `BENCH_JUDGE_SECONDS`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.atelier.slowness import Slowness
from services.safety.app import assemble, open_screen
from services.safety.domain.verdicts import Judgement
from services.safety.handler.screening import ScreenText
from services.safety.settings import SafetySettings
from shared.content import Rating, Tier
from shared.events import ContentHooked
from shared.service import Service, open_service, run


class ApprovingJudge:
    """Approves whatever it is shown, as a moderation service that finds nothing would."""

    name = "approving"

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        del event, image
        if self._takes_s:
            await asyncio.sleep(self._takes_s)
        return Judgement(
            rating=Rating.SAFE,
            explicitness_level=1,
            tier_at_least=Tier.CAPA1,
            reason="approved unseen, for a measurement",
        )


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Safety as shipped, with this judge."""
    texts = ScreenText(await asyncio.to_thread(open_screen))
    async with open_service("safety", settings) as service:
        judge = ApprovingJudge(Slowness().bench_judge_seconds)
        assemble(service, judge, texts, permits=settings.safety_concurrency)
        yield service


if __name__ == "__main__":
    run("safety", SafetySettings, open_app)
