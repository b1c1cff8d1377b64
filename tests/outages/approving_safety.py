"""The real safety service with a judge who lets every image of the worker pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.safety.app import assemble, open_screen
from services.safety.domain.verdicts import Judgement
from services.safety.handler.screening import ScreenText
from services.safety.settings import SafetySettings
from shared.content import Rating, Tier
from shared.events import ContentHooked
from shared.service import Service, open_service, run


class ApprovingJudge:
    """The judges that ship pass drawn placeholders only, so that nothing would be delivered."""

    name = "approving"

    async def judge(self, event: ContentHooked, image: bytes) -> Judgement | None:
        return Judgement(
            rating=Rating.SAFE,
            explicitness_level=1,
            tier_at_least=Tier.CAPA1,
            reason="approved unseen, in a test",
        )


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Everything moderation needs, with this judge."""
    texts = ScreenText(open_screen())
    async with open_service("safety", settings) as service:
        assemble(service, ApprovingJudge(), texts, permits=settings.safety_concurrency)
        yield service


if __name__ == "__main__":
    run("safety", SafetySettings, open_app)
