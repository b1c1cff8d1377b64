"""The provider `preview` from its settings."""

from services.generator.adapters.preview import PreviewProvider
from services.generator.app.parts import Built, Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.handler.route import Limits
from services.generator.settings import ProviderSettings


async def open_preview(settings: ProviderSettings, parts: Parts) -> Built:
    """It needs nothing, and nobody else waits for it."""
    everybody = settings.generator_concurrency + settings.generator_interactive_concurrency
    provider = PreviewProvider(parts.prices.price("preview"))
    return Built(provider, Limits(everybody, policy=RetryPolicy(max_retries=1)))
