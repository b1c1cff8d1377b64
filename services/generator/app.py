"""Composition root of the generator."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from services.generator.adapters.ledger_attempts import LedgerAttempts
from services.generator.adapters.modal import ModalProvider, endpoint
from services.generator.adapters.preview import PreviewProvider
from services.generator.adapters.storage_links import StorageLoraLinks
from services.generator.domain import RetryPolicy
from services.generator.handler import GenerateImage
from services.generator.ports import Provider
from services.generator.settings import GeneratorSettings, ProviderName
from shared.calls import PROVIDER_HEALTH, ComponentHealth, Nothing
from shared.money import to_micros
from shared.service import Service, open_service
from shared.topology import GENERATE_BULK, GENERATE_INTERACTIVE


def assemble(
    service: Service,
    providers: Sequence[Provider],
    *,
    policy: RetryPolicy,
    bulk_permits: int,
    interactive_permits: int,
) -> None:
    """Carry both lanes; whoever waits has permits of its own, so a batch cannot starve it."""
    handler = GenerateImage(
        providers=providers,
        attempts=LedgerAttempts(service.call, service.facts),
        staging=service.staging,
        policy=policy,
    )
    service.stage(GENERATE_BULK, handler, permits=bulk_permits)
    service.stage(GENERATE_INTERACTIVE, handler, permits=interactive_permits)

    async def health(_: Nothing) -> ComponentHealth:
        return ComponentHealth(status="ok", detail={p.name: "configured" for p in providers})

    service.answer(PROVIDER_HEALTH, health)


@asynccontextmanager
async def open_app(settings: GeneratorSettings) -> AsyncIterator[Service]:
    """Everything the generator needs, opened and assembled."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service("generator", settings))
        client = await stack.enter_async_context(_http_client(settings))
        providers = [_provider(name, settings, service, client) for name in settings.chain]
        assemble(
            service,
            providers,
            policy=RetryPolicy(
                max_retries=settings.modal_max_retries,
                backoff_base_s=settings.modal_retry_backoff_base,
            ),
            bulk_permits=settings.generator_concurrency,
            interactive_permits=settings.generator_interactive_concurrency,
        )
        yield service


def _http_client(settings: GeneratorSettings) -> httpx2.AsyncClient:
    timeout = httpx2.Timeout(settings.modal_timeout_seconds, connect=10.0)
    # A redirect would carry the token and the weights' link to somebody else.
    return httpx2.AsyncClient(timeout=timeout, follow_redirects=False)


def _provider(
    name: ProviderName, settings: GeneratorSettings, service: Service, client: httpx2.AsyncClient
) -> Provider:
    match name:
        case "preview":
            return PreviewProvider()
        case "modal_sdxl_lora":
            return ModalProvider(
                client,
                url=endpoint(str(settings.modal_endpoint_url), settings.modal_inference_path),
                token=settings.modal_api_token,
                lora_links=StorageLoraLinks(service.call),
                timeout_s=settings.modal_timeout_seconds,
                cost_usd_micros=to_micros(settings.modal_cost_usd_per_image),
            )
