"""OpenAI's images of ours, and the provider that production would make of its settings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from services.generator.adapters.openai_images.client import openai_client
from services.generator.adapters.openai_images.provider import OpenAIImagesProvider
from services.generator.adapters.price_file import read_prices
from services.generator.app.openai_images import open_openai_images
from services.generator.app.parts import Parts
from services.generator.settings.openai_images import OpenAIImagesSettings
from tests.generator.openai_images.stub import Images, images_stub
from tests.generator.replicate.tokens import NoLinks

KEY = "sk-canary-openai-key"

Opening = Callable[..., Awaitable[OpenAIImagesProvider]]


@pytest.fixture
def vendor() -> Iterator[Images]:
    with images_stub() as stub:
        yield stub


@pytest.fixture
async def parts() -> AsyncIterator[Parts]:
    async with AsyncExitStack() as stack:
        yield Parts(stack, NoLinks(), read_prices())


@pytest.fixture
def opening(vendor: Images, parts: Parts) -> Opening:
    async def open_one(**given: object) -> OpenAIImagesProvider:
        settings = OpenAIImagesSettings.model_validate(
            {"openai_api_key": KEY, "openai_base_url": vendor.base_url, **given}
        )
        provider = (await open_openai_images(settings, parts)).provider
        assert isinstance(provider, OpenAIImagesProvider)
        return provider

    return open_one


@pytest.fixture
async def provider(opening: Opening) -> OpenAIImagesProvider:
    return await opening()


@pytest.fixture
async def impatient(vendor: Images, parts: Parts) -> OpenAIImagesProvider:
    """With less patience than settings allow."""
    client = openai_client(api_key=KEY, base_url=vendor.base_url, read_timeout_s=5)
    parts.stack.push_async_callback(client.close)
    return OpenAIImagesProvider(
        client,
        model="gpt-image-2",
        quality="low",
        moderation="auto",
        timeout_s=0.3,
        price=parts.prices.price("openai_images", "gpt-image-2", "low"),
    )
