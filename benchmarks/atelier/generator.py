"""The generator, whose worker is asked for pictures of `BENCH_IMAGE_PX` pixels a side."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.generator.adapters.image_gate import PillowGate
from services.generator.adapters.price_file import read_prices
from services.generator.adapters.storage_links import StorageLoraLinks
from services.generator.app import assemble
from services.generator.app.modal import open_modal
from services.generator.app.parts import Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.handler.route import Limits, Route
from services.generator.ports import ImageGate, MadeImage, PreparedCall, Provider
from services.generator.settings import GeneratorSettings
from shared.content import Brief
from shared.service import Service, open_service, run
from shared.settings import split_commas


class MeasuredSettings(GeneratorSettings):
    """The size of the pictures, and where several providers are to be measured, these."""

    bench_image_px: int = Field(default=64, ge=1)
    bench_route_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas)] = ()
    bench_route_terms: Mapping[str, float] = Field(default_factory=dict)


def _sized(brief: Brief, image_px: int) -> Brief:
    return brief.model_copy(update={"width": image_px, "height": image_px})


class SizedOrders:
    """The worker behind HTTP as shipped, asked for another size than an order may have."""

    def __init__(self, provider: Provider, image_px: int, *, name: str | None = None) -> None:
        self._provider = provider
        self._image_px = image_px
        self.name = name or provider.name
        self.model = provider.model
        self.price = provider.price
        self.call_limit_s = provider.call_limit_s
        self.keeps_likeness = provider.keeps_likeness

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        return await self._provider.prepare(_sized(brief, self._image_px), fresh_link=fresh_link)


class SizedGate:
    """The gate as shipped, told to expect that size."""

    def __init__(self, gate: ImageGate, image_px: int) -> None:
        self._gate = gate
        self._image_px = image_px

    async def media_type_of(self, made: MadeImage, brief: Brief) -> str:
        return await self._gate.media_type_of(made, _sized(brief, self._image_px))


@asynccontextmanager
async def open_app(settings: MeasuredSettings) -> AsyncIterator[Service]:
    """The generator as shipped, with this provider."""
    prices = await asyncio.to_thread(read_prices)
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service("generator", settings))
        parts = Parts(stack, StorageLoraLinks(service.call), prices)
        gate = SizedGate(PillowGate(), settings.bench_image_px)
        assemble(service, await _routes(settings, parts), settings, gate=gate)
        yield service


async def _routes(settings: MeasuredSettings, parts: Parts) -> list[Route]:
    if settings.bench_route_origins:
        return [
            await _one_of_several(settings, parts, place, origin)
            for place, origin in enumerate(settings.bench_route_origins)
        ]
    built = await open_modal(settings, parts)
    orders = SizedOrders(built.provider, settings.bench_image_px)
    calls = settings.generator_concurrency + settings.generator_interactive_concurrency
    # As many as the measurement wants, not as many as Modal is asked for.
    return [Route(orders, replace(built.limits, concurrency=calls))]


async def _one_of_several(
    settings: MeasuredSettings, parts: Parts, place: int, origin: str
) -> Route:
    terms = settings.bench_route_terms
    own = settings.model_copy(
        update={
            "modal_endpoint_url": f"{origin}/generate-image",
            "modal_timeout_seconds": terms["call_limit_s"],
        }
    )
    built = await open_modal(own, parts)
    orders = SizedOrders(built.provider, settings.bench_image_px, name=f"provider-{place}")
    policy = RetryPolicy(max_retries=int(terms["retries"]), backoff_base_s=0.2)
    limits = Limits(int(terms["at_once"]), int(terms["most_a_provider"]), policy)
    return Route(orders, limits)


if __name__ == "__main__":
    run("generator", MeasuredSettings, open_app)
