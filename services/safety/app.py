"""Composition root of moderation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.safety.adapters.preview import PreviewJudge
from services.safety.handler import ModerateContent
from services.safety.ports import Judge
from services.safety.settings import SafetySettings
from shared.service import Service, open_service
from shared.topology import MODERATE


def assemble(service: Service, judge: Judge | None, *, permits: int) -> None:
    """Judge every captioned image."""
    service.stage(MODERATE, ModerateContent(judge, service.staging), permits=permits)


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Everything moderation needs, opened and assembled."""
    async with open_service("safety", settings) as service:
        judge = PreviewJudge() if settings.safety_judge == "preview" else None
        assemble(service, judge, permits=settings.safety_concurrency)
        yield service
