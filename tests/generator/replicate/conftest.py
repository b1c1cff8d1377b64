"""A Replicate of ours, and the provider that production would make of its settings."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr

from services.generator.adapters.price_file import read_prices
from services.generator.adapters.replicate.api import ReplicateApi
from services.generator.adapters.replicate.models import Model
from services.generator.adapters.replicate.provider import ReplicateProvider
from services.generator.adapters.vendor_http import vendor_client
from services.generator.app.parts import Parts
from services.generator.app.replicate import open_replicate
from services.generator.settings.replicate import ReplicateSettings
from tests.generator.replicate.stub import Replicate, replicate_stub
from tests.generator.replicate.tokens import TOKEN, NoLinks

Opening = Callable[..., ReplicateProvider]


@pytest.fixture
def vendor() -> Iterator[Replicate]:
    with replicate_stub() as stub:
        yield stub


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        yield Parts(stack, NoLinks(), read_prices())


@pytest.fixture
async def opening(vendor: Replicate, parts: Parts) -> Opening:
    """With less patience than settings allow, or somewhere else."""
    client = await parts.stack.enter_async_context(vendor_client(5))

    def open_one(timeout_s: float = 10, base_url: str = "") -> ReplicateProvider:
        model = Model("black-forest-labs/flux-1.1-pro")
        return ReplicateProvider(
            ReplicateApi(client, base_url or vendor.base_url, SecretStr(TOKEN)),
            model=model,
            output_hosts=("replicate.delivery",),
            timeout_s=timeout_s,
            poll_s=0.01,
            price=parts.prices.price("replicate", model.name),
        )

    return open_one


@pytest.fixture
async def provider(vendor: Replicate, parts: Parts) -> ReplicateProvider:
    settings = ReplicateSettings.model_validate(
        {
            "replicate_api_token": TOKEN,
            "replicate_base_url": vendor.base_url,
            "replicate_poll_seconds": 0.01,
            "replicate_timeout_seconds": 10,
        }
    )
    provider = (await open_replicate(settings, parts)).provider
    assert isinstance(provider, ReplicateProvider)
    return provider
