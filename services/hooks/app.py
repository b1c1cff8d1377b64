"""Composition root of the hooks service."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from services.hooks.adapters.caption_file import load_captions
from services.hooks.adapters.written_captions import WrittenCaptions
from services.hooks.domain import PlatformLimits
from services.hooks.handler import WriteHooks
from services.hooks.ports import Copywriter
from services.hooks.settings import HooksSettings
from shared.content import Platform
from shared.service import Service, open_service
from shared.topology import WRITE_HOOKS


def assemble(
    service: Service,
    copywriter: Copywriter,
    limits: Mapping[Platform, PlatformLimits],
    *,
    enabled: bool,
    permits: int,
) -> None:
    """Caption every generated image."""
    service.stage(WRITE_HOOKS, WriteHooks(copywriter, limits, enabled=enabled), permits=permits)


@asynccontextmanager
async def open_app(settings: HooksSettings) -> AsyncIterator[Service]:
    """Everything the hooks service needs, opened and assembled."""
    book = load_captions()
    limits = {platform: manners.limits for platform, manners in book.platforms.items()}
    async with open_service("hooks", settings) as service:
        assemble(
            service,
            WrittenCaptions(book),
            limits,
            enabled=settings.hook_generation_enabled,
            permits=settings.hooks_concurrency,
        )
        yield service
