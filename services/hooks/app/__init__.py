"""Composition root of the hooks service."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from services.hooks.adapters.caption_file import load_captions
from services.hooks.adapters.caption_metrics import CaptionMetrics
from services.hooks.adapters.ledger_attempts import LedgerAttempts
from services.hooks.adapters.safety_screen import SafetyScreen
from services.hooks.adapters.written_captions import WrittenCaptions
from services.hooks.app.models import open_models
from services.hooks.domain.limits import PlatformLimits
from services.hooks.handler.answering import AnswerWriteCaptions
from services.hooks.handler.books import LedgerBooks
from services.hooks.handler.buying import BuyCaptions
from services.hooks.handler.chain import WriteBatch
from services.hooks.handler.desk import Desk
from services.hooks.handler.hooks import WriteHooks
from services.hooks.handler.screening import Screening
from services.hooks.handler.standby import Standby
from services.hooks.handler.writer import Writer
from services.hooks.ports import CaptionModel, Copywriter
from services.hooks.settings import TEMPLATES, HooksSettings
from shared.calls import WRITE_CAPTIONS
from shared.content import Platform
from shared.service import Service, open_service
from shared.topology import WRITE_HOOKS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ByModels:
    """Models in the order they are asked, and how pieces wait for them."""

    models: Sequence[CaptionModel]
    most: int = 10
    linger_s: float = 0.5
    patience_s: float = 60.0


def assemble(
    service: Service,
    copywriter: Copywriter,
    limits: Mapping[Platform, PlatformLimits],
    *,
    enabled: bool,
    permits: int,
    by_models: ByModels | None = None,
) -> None:
    """Caption every generated image, and whatever somebody asks captions for.

    Without models `copywriter` writes, and nobody else is asked anything.
    """
    standby = Standby(copywriter, limits)
    if by_models is None or not by_models.models:
        service.stage(WRITE_HOOKS, WriteHooks(standby, enabled=enabled), permits=permits)
        service.answer(WRITE_CAPTIONS, AnswerWriteCaptions(standby))
        return
    write = _writing(service, limits, by_models.models)
    books = LedgerBooks(LedgerAttempts(service.call, service.facts))
    desk = Desk(partial(write, books=books), most=by_models.most, linger_s=by_models.linger_s)
    hooks = WriteHooks(standby, desk, enabled=enabled, patience_s=by_models.patience_s)
    service.stage(WRITE_HOOKS, hooks, permits=permits, waited_long=hooks.waited_long)
    service.answer(WRITE_CAPTIONS, AnswerWriteCaptions(standby, write))


def _writing(
    service: Service, limits: Mapping[Platform, PlatformLimits], models: Sequence[CaptionModel]
) -> WriteBatch:
    writers = [Writer(model) for model in models]
    service.metrics.register(CaptionMetrics(writers))
    screening = Screening(SafetyScreen(service.call))
    return WriteBatch(writers, screening, BuyCaptions(screening, limits))


@asynccontextmanager
async def open_app(settings: HooksSettings) -> AsyncIterator[Service]:
    """Everything the hooks service needs, opened and assembled."""
    book = await asyncio.to_thread(load_captions)
    limits = {platform: manners.limits for platform, manners in book.platforms.items()}
    async with AsyncExitStack() as stack:
        models = await asyncio.to_thread(open_models, settings, stack)
        asked = [*(model.name for model in models), TEMPLATES]
        # A key that was set for another service's sake brings its vendor in, too.
        log.info("captions.copywriters", asked=asked, named=settings.hook_providers is not None)
        service = await stack.enter_async_context(open_service("hooks", settings))
        assemble(
            service,
            WrittenCaptions(book),
            limits,
            enabled=settings.hook_generation_enabled,
            permits=settings.hooks_concurrency,
            by_models=ByModels(
                models,
                most=settings.hook_batch_size,
                linger_s=settings.hook_linger_seconds,
                patience_s=settings.hook_wait_seconds,
            ),
        )
        yield service
