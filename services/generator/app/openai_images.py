"""The provider `openai_images` from its settings."""

import re

from services.generator.adapters.openai_images.client import openai_client
from services.generator.adapters.openai_images.provider import OpenAIImagesProvider
from services.generator.adapters.price_file import PriceUnknown
from services.generator.app.parts import Built, Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.domain.prices import Price
from services.generator.handler.route import Limits
from services.generator.settings.openai_images import OpenAIImagesSettings
from shared.settings import fail_misconfigured

_POLICY = RetryPolicy(max_retries=1, backoff_base_s=2.0)
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


async def open_openai_images(settings: OpenAIImagesSettings, parts: Parts) -> Built:
    """Exits where it has no key, or no price for the model and quality."""
    key = settings.openai_api_key
    if key is None or not settings.openai_images_has_key:
        raise fail_misconfigured("OPENAI_API_KEY", "the provider openai_images needs it")
    client = openai_client(
        api_key=key.get_secret_value(),
        base_url=settings.openai_base_url,
        read_timeout_s=settings.openai_image_timeout_seconds,
    )
    parts.stack.push_async_callback(client.close)
    provider = OpenAIImagesProvider(
        client,
        model=settings.openai_image_model,
        quality=settings.openai_image_quality,
        moderation=settings.openai_image_moderation,
        timeout_s=settings.openai_image_timeout_seconds,
        price=_price(settings, parts),
    )
    limits = Limits(settings.openai_image_concurrency, settings.openai_image_max_in_flight, _POLICY)
    return Built(provider, limits)


def _price(settings: OpenAIImagesSettings, parts: Parts) -> Price:
    # A snapshot costs what its model costs.
    model = _SNAPSHOT.sub("", settings.openai_image_model)
    try:
        return parts.prices.price("openai_images", model, settings.openai_image_quality)
    except PriceUnknown:
        unknown = f"no price of {model} in quality {settings.openai_image_quality} is known"
        raise fail_misconfigured("OPENAI_IMAGE_MODEL", unknown) from None
