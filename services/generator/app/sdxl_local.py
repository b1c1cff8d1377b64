"""The provider `sdxl_local` from its settings."""

from uuid import uuid4

from services.generator.adapters.sdxl_local.provider import SdxlLocal
from services.generator.app.parts import Built, Parts
from services.generator.app.sdxl import open_engine
from services.generator.domain.failures import RetryPolicy
from services.generator.domain.prices import Price
from services.generator.handler.route import Limits
from services.generator.settings.sdxl_local import SdxlLocalSettings
from shared.money import to_micros

_POLICY = RetryPolicy(max_retries=2, backoff_base_s=1.0)
_LEASE_S = 10.0


async def open_sdxl_local(settings: SdxlLocalSettings, parts: Parts) -> Built:
    """The engine begins to load its model; calls that come meanwhile wait for it."""
    engine = await parts.stack.enter_async_context(open_engine(settings, parts.metrics))
    provider = SdxlLocal(
        engine,
        lora_links=parts.lora_links,
        timeout_s=settings.sdxl_local_timeout_seconds,
        price=_price(settings, parts),
        incarnation=uuid4().hex,
    )
    at_a_time = settings.sdxl_local_at_a_time
    return Built(provider, Limits(at_a_time, policy=_POLICY, lease_s=_LEASE_S))


def _price(settings: SdxlLocalSettings, parts: Parts) -> Price:
    own = settings.sdxl_local_cost_usd_per_image
    price = parts.prices.price("sdxl_local")
    return price if own is None else price.of(to_micros(own))
