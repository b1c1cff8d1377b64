"""The real safety service with a judge that can allow, refuse and hesitate about worker images.

The judges that ship know drawn placeholders only, so that nothing of a worker would ever be
delivered; this one stands where a vendor's adapter would.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from services.safety.app import assemble, open_screen
from services.safety.domain.verdicts import Judgement
from services.safety.handler.screening import ScreenText
from services.safety.settings import SafetySettings
from shared.content import Rating, Tier
from shared.events import ContentHooked
from shared.service import Service, open_service, run

RATINGS = {Rating.SAFE: 80, Rating.SUGGESTIVE: 8, Rating.REJECTED: 6, Rating.PENDING_REVIEW: 6}
"""In a hundred images."""


class ChaosJudge:
    """Rates an image by its bytes alone: the same bytes always get the same judgement."""

    name = "chaos"

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        (rating,) = Random(image).choices(list(RATINGS), weights=list(RATINGS.values()))
        if rating is Rating.PENDING_REVIEW:
            return None
        raised = rating is Rating.SUGGESTIVE
        return Judgement(
            rating=rating,
            explicitness_level=4 if raised else 1,
            tier_at_least=Tier.CAPA2 if raised else Tier.CAPA1,
            reason="rated by its bytes",
        )


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Everything moderation needs, with our judge."""
    texts = ScreenText(await asyncio.to_thread(open_screen))
    async with open_service("safety", settings) as service:
        assemble(service, ChaosJudge(), texts, permits=settings.safety_concurrency)
        yield service


if __name__ == "__main__":
    run("safety", SafetySettings, open_app)
