"""The provider `replicate` from its settings."""

from services.generator.adapters.price_file import PriceUnknown
from services.generator.adapters.replicate.api import ReplicateApi
from services.generator.adapters.replicate.models import Model
from services.generator.adapters.replicate.provider import ReplicateProvider
from services.generator.adapters.vendor_http import vendor_client
from services.generator.app.parts import Built, Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.domain.prices import Price
from services.generator.handler.route import Limits
from services.generator.settings.replicate import ReplicateSettings
from shared.factlog import utc_now
from shared.money import to_micros
from shared.settings import fail_misconfigured

_ANSWER_S = 15.0
_FIRST_WAIT_S = 2.0


async def open_replicate(settings: ReplicateSettings, parts: Parts) -> Built:
    """Exits where it has no token, or no price for the model."""
    token = settings.replicate_api_token
    if token is None or not settings.replicate_has_token:
        raise fail_misconfigured("REPLICATE_API_TOKEN", "the provider replicate needs it")
    # No request waits for an image, but for the next news of one.
    answer_s = min(_ANSWER_S, settings.replicate_timeout_seconds)
    client = await parts.stack.enter_async_context(vendor_client(answer_s))
    model = Model(settings.replicate_model)
    provider = ReplicateProvider(
        ReplicateApi(client, settings.replicate_base_url, token),
        model=model,
        output_hosts=settings.replicate_output_hosts,
        timeout_s=settings.replicate_timeout_seconds,
        poll_s=settings.replicate_poll_seconds,
        price=_price(settings, parts, model),
    )
    policy = RetryPolicy(settings.replicate_max_retries, _FIRST_WAIT_S)
    limits = Limits(settings.replicate_concurrency, settings.replicate_max_in_flight, policy)
    return Built(provider, limits)


def _price(settings: ReplicateSettings, parts: Parts, model: Model) -> Price:
    own = settings.replicate_cost_usd_per_image
    try:
        known = parts.prices.price("replicate", model.base)
    except PriceUnknown:
        if own is None:
            unknown = f"no price of {model.base} is known; set it"
            raise fail_misconfigured("REPLICATE_COST_USD_PER_IMAGE", unknown) from None
        return Price("REPLICATE_COST_USD_PER_IMAGE", utc_now().date(), to_micros(own))
    return known if own is None else known.of(to_micros(own))
