"""The provider `modal_sdxl_lora` from its settings."""

from services.generator.adapters.modal.http import Pace
from services.generator.adapters.modal.provider import ModalProvider, endpoint
from services.generator.adapters.modal.worker import ModalWorker, WayToWorker
from services.generator.adapters.vendor_http import vendor_client
from services.generator.app.parts import Built, Parts
from services.generator.domain.failures import RetryPolicy
from services.generator.domain.prices import Price
from services.generator.handler.route import Limits
from services.generator.settings.modal import ModalSettings
from shared.money import to_micros
from shared.settings import fail_misconfigured


async def open_modal(settings: ModalSettings, parts: Parts) -> Built:
    """The worker, at its address or as a Modal function."""
    if settings.modal_sdxl_lora_endpoint_id is None:
        return Built(await _at_address(settings, parts), limits_of(settings))
    function_id = settings.modal_sdxl_lora_endpoint_id
    return Built(_as_function(function_id, settings, parts), limits_of(settings))


async def _at_address(settings: ModalSettings, parts: Parts) -> ModalProvider:
    timeout_s = settings.modal_timeout_seconds
    client = await parts.stack.enter_async_context(vendor_client(timeout_s))
    return ModalProvider(
        client,
        url=endpoint(str(settings.modal_endpoint_url), settings.modal_inference_path),
        token=settings.modal_token,
        lora_links=parts.lora_links,
        timeout_s=timeout_s,
        price=_price(settings, parts),
        mode=settings.modal_mode,
        pace=Pace(settings.modal_poll_seconds),
    )


def _as_function(function_id: str, settings: ModalSettings, parts: Parts) -> ModalWorker:
    return ModalWorker(
        _way_to(function_id, settings, parts),
        lora_links=parts.lora_links,
        timeout_s=settings.modal_timeout_seconds,
        price=_price(settings, parts),
    )


def _way_to(function_id: str, settings: ModalSettings, parts: Parts) -> WayToWorker:
    try:
        # Whoever calls no function needs no SDK.
        from services.generator.app.modal_function import function  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise fail_misconfigured(
            "MODAL_SDXL_LORA_ENDPOINT_ID", f"needs {exc.name}: install atelier[generator-modal]"
        ) from exc
    return function(function_id, settings, parts.stack)


def limits_of(settings: ModalSettings) -> Limits:
    """How hard the worker may be used, whatever the way to it."""
    policy = RetryPolicy(settings.modal_max_retries, settings.modal_retry_backoff_base)
    return Limits(settings.modal_concurrency, settings.modal_max_in_flight, policy)


def _price(settings: ModalSettings, parts: Parts) -> Price:
    own_price = settings.modal_cost_usd_per_image
    price = parts.prices.price("modal_sdxl_lora")
    return price if own_price is None else price.of(to_micros(own_price))
