"""Composition root of moderation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.safety.adapters.policy_file import POLICY_FILE, PolicyFileError, load_policy
from services.safety.adapters.preview import PreviewJudge
from services.safety.domain.canaries import misjudged
from services.safety.domain.policy import PolicyError
from services.safety.domain.screen import TextScreen
from services.safety.handler.moderation import ModerateContent
from services.safety.handler.screening import ScreenText
from services.safety.ports import Judge
from services.safety.settings import SafetySettings
from shared.calls import SCREEN_TEXTS
from shared.factlog import utc_now
from shared.service import Service, open_service
from shared.settings import fail_misconfigured
from shared.topology import MODERATE


def assemble(service: Service, judge: Judge | None, texts: ScreenText, *, permits: int) -> None:
    """Screen every prompt that is asked about, and judge every captioned image."""
    service.answer(SCREEN_TEXTS, texts)
    service.stage(MODERATE, ModerateContent(judge, service.staging, texts), permits=permits)


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Everything moderation needs, opened and assembled."""
    texts = ScreenText(await asyncio.to_thread(open_screen))
    async with open_service("safety", settings) as service:
        judge = PreviewJudge() if settings.safety_judge == "preview" else None
        assemble(service, judge, texts, permits=settings.safety_concurrency)
        yield service


def open_screen(policy_file: Path = POLICY_FILE) -> TextScreen:
    """The text screen, tried; exits where the policy cannot be trusted to block.

    Which policy is no setting: whoever wants another one changes this one, with its version.
    """
    try:
        screen = TextScreen(load_policy(policy_file))
    except (PolicyFileError, PolicyError) as exc:
        raise fail_misconfigured(policy_file.name, str(exc)) from None
    for fault in misjudged(screen, utc_now().date()):
        raise fail_misconfigured(policy_file.name, f"canary failed: {fault}")
    return screen
