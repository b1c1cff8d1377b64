"""Composition root of the generator."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from services.generator.adapters.image_gate import PillowGate
from services.generator.adapters.ledger_attempts import LedgerAttempts
from services.generator.adapters.ledger_records import LedgerRecords
from services.generator.adapters.price_file import read_prices
from services.generator.adapters.provider_metrics import ProviderMetrics
from services.generator.adapters.storage_links import StorageLoraLinks
from services.generator.adapters.substitutes import LedgerSubstitutes
from services.generator.app.parts import Parts
from services.generator.app.providers import open_provider
from services.generator.handler.buying import BuyImage
from services.generator.handler.generation import GenerateImage
from services.generator.handler.outage import Outage
from services.generator.handler.providers import ProviderReport
from services.generator.handler.route import Route
from services.generator.handler.routing import Routing
from services.generator.ports import ImageGate, ProviderRecords, ResumableProvider
from services.generator.settings import GeneratorSettings
from shared.calls import LIST_PROVIDERS, PROVIDER_HEALTH
from shared.outcomes import TryLater
from shared.service import Service, open_service
from shared.topology import GENERATE_BULK, GENERATE_INTERACTIVE

log = structlog.get_logger(__name__)

_LEARN_EVERY_S = 60.0


def assemble(
    service: Service,
    routes: Sequence[Route],
    settings: GeneratorSettings,
    *,
    gate: ImageGate | None = None,
) -> None:
    """Carry both lanes; whoever waits has permits of its own, so a batch cannot starve it."""
    routing = Routing(routes, settings.provider_strategy, allows_degraded=settings.allow_degraded)
    handler = GenerateImage(
        routing=routing,
        buy=BuyImage(
            attempts=LedgerAttempts(service.call, service.facts),
            staging=service.staging,
            gate=gate or PillowGate(),
            resumable={
                route.name: route.provider
                for route in routes
                if isinstance(route.provider, ResumableProvider)
            },
        ),
        substitutes=LedgerSubstitutes(service.call),
        outage=Outage(settings.provider_outage_wait_seconds),
        allows_earlier=settings.cached_fallback_enabled,
    )
    service.stage(GENERATE_BULK, handler, permits=settings.bulk_permits)
    service.stage(GENERATE_INTERACTIVE, handler, permits=settings.generator_interactive_concurrency)
    report = ProviderReport(routing)
    service.answer(PROVIDER_HEALTH, report.health)
    service.answer(LIST_PROVIDERS, report.states)
    service.metrics.register(ProviderMetrics(report.now, report.outcomes))
    _keep_learning(service, routing)


def _keep_learning(service: Service, routing: Routing) -> None:
    records = LedgerRecords(service.call)
    learning: list[asyncio.Task[None]] = []

    async def begin() -> None:
        learning.append(asyncio.create_task(_learn(routing, records)))

    async def end() -> None:
        for task in learning:
            task.cancel()

    service.on_start(begin)
    service.on_stop(end)


async def _learn(routing: Routing, records: ProviderRecords) -> None:
    """What all replicas measured, again and again. Without news the last ones count."""
    while True:
        try:
            await routing.learn_from(records)
        except TryLater as exc:
            log.info("providers.records_unavailable", detail=exc.detail)
        await asyncio.sleep(_LEARN_EVERY_S)


@asynccontextmanager
async def open_app(settings: GeneratorSettings) -> AsyncIterator[Service]:
    """Everything the generator needs, opened and assembled."""
    prices = await asyncio.to_thread(read_prices, settings.provider_price_file)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service("generator", settings))
        parts = Parts(stack, StorageLoraLinks(service.call), prices, service.metrics)
        built = [await open_provider(name, settings, parts) for name in settings.chain]
        assemble(service, [Route(one.provider, one.limits) for one in built], settings)
        yield service
