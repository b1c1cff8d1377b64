"""The models of the settings."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from services.hooks.adapters.price_file import KnownModel, PriceFileError, read_models
from services.hooks.ports import CaptionModel
from services.hooks.settings import HooksSettings, ModelVendor
from shared.settings import fail_misconfigured


def open_models(settings: HooksSettings, stack: AsyncExitStack) -> tuple[CaptionModel, ...]:
    """Those that are asked, in order; they close with the stack.

    Exits where one has no price. Reads the disk: keep it off the event loop.
    """
    vendors = settings.models
    if not vendors:
        return ()
    try:
        known = read_models(settings.hook_price_file)
    except PriceFileError as exc:
        raise fail_misconfigured("HOOK_PRICE_FILE", str(exc)) from None
    return tuple(
        _open(vendor, settings, _priced(vendor, settings, known), stack) for vendor in vendors
    )


def _priced(
    vendor: ModelVendor, settings: HooksSettings, known: Mapping[tuple[str, str], KnownModel]
) -> KnownModel:
    name = settings.anthropic_hook_model if vendor == "anthropic" else settings.openai_hook_model
    if (model := known.get((vendor, name))) is None:
        setting = f"{vendor.upper()}_HOOK_MODEL"
        raise fail_misconfigured(setting, f"no price of {name} is known; see HOOK_PRICE_FILE")
    return model


def _open(
    vendor: ModelVendor, settings: HooksSettings, model: KnownModel, stack: AsyncExitStack
) -> CaptionModel:
    # Who does not use a vendor does not pay for its SDK: each takes tens of megabytes.
    if vendor == "anthropic":
        from services.hooks.adapters.models.anthropic_model import AnthropicModel  # noqa: PLC0415

        claude = AnthropicModel(
            api_key=settings.key_of(vendor),
            base_url=settings.anthropic_base_url,
            model=model,
            timeout_s=settings.hook_timeout_seconds,
        )
        stack.push_async_callback(claude.close)
        return claude
    from services.hooks.adapters.models.openai_model import OpenAIModel  # noqa: PLC0415

    gpt = OpenAIModel(
        api_key=settings.key_of(vendor),
        base_url=settings.openai_base_url,
        model=model,
        timeout_s=settings.hook_timeout_seconds,
    )
    stack.push_async_callback(gpt.close)
    return gpt
