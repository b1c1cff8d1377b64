"""The generator, whose worker is asked for pictures of `BENCH_IMAGE_PX` pixels a side."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2
from pydantic import Field

from services.generator.adapters.modal import ModalProvider, endpoint
from services.generator.adapters.storage_links import StorageLoraLinks
from services.generator.app import assemble
from services.generator.domain import RetryPolicy
from services.generator.ports import PreparedCall
from services.generator.settings import GeneratorSettings
from shared.content import Brief
from shared.money import to_micros
from shared.service import Service, open_service, run


class MeasuredSettings(GeneratorSettings):
    """The size of the pictures."""

    bench_image_px: int = Field(default=64, ge=1)


class SizedWorker(ModalProvider):
    """The worker behind HTTP as shipped, asked for another size than an order may have."""

    image_px: int

    async def prepare(self, brief: Brief) -> PreparedCall:
        sized = brief.model_copy(update={"width": self.image_px, "height": self.image_px})
        return await super().prepare(sized)


@asynccontextmanager
async def open_app(settings: MeasuredSettings) -> AsyncIterator[Service]:
    """The generator as shipped, with this provider."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service("generator", settings))
        timeout = httpx2.Timeout(settings.modal_timeout_seconds, connect=10.0)
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=timeout))
        provider = SizedWorker(
            client,
            url=endpoint(str(settings.modal_endpoint_url), settings.modal_inference_path),
            token=settings.modal_api_token,
            lora_links=StorageLoraLinks(service.call),
            timeout_s=settings.modal_timeout_seconds,
            cost_usd_micros=to_micros(settings.modal_cost_usd_per_image),
        )
        provider.image_px = settings.bench_image_px
        assemble(
            service,
            [provider],
            policy=RetryPolicy(),
            bulk_permits=settings.generator_concurrency,
            interactive_permits=settings.generator_interactive_concurrency,
        )
        yield service


if __name__ == "__main__":
    run("generator", MeasuredSettings, open_app)
