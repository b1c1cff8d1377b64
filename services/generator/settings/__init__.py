"""Settings of the generator."""

from typing import Self

from pydantic import model_validator
from pydantic_settings import SettingsConfigDict

from services.generator.settings.chain import ChainSettings, ProviderName
from services.generator.settings.comfyui import ComfySettings
from services.generator.settings.modal import ModalSettings
from services.generator.settings.openai_images import OpenAIImagesSettings
from services.generator.settings.replicate import ReplicateSettings
from services.generator.settings.sdxl_local import SdxlLocalSettings
from shared.settings import ServiceSettings

__all__ = ["GeneratorSettings", "ProviderName", "ProviderSettings"]


class ProviderSettings(
    ChainSettings,
    ModalSettings,
    ComfySettings,
    ReplicateSettings,
    OpenAIImagesSettings,
    SdxlLocalSettings,
):
    """Which providers make images, and how hard they are tried."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @property
    def chain(self) -> tuple[ProviderName, ...]:
        """All providers in the order they are asked, each once."""
        if self.lora_inference_provider_order:
            return tuple(dict.fromkeys(self.lora_inference_provider_order))
        named = self.ai_image_provider or self.lora_provider
        first = self._configured[:1] if named is None else [named]
        fallbacks = self.ai_image_provider_fallbacks
        if fallbacks is None:
            # A drawing that fails is no reason to spend money.
            fallbacks = () if named == "preview" else tuple(self._configured)
        return tuple(dict.fromkeys((*first, *fallbacks)))

    @property
    def bulk_permits(self) -> int:
        """Pieces of batches at a time: unless it is set, as many as our own device may have."""
        if "generator_concurrency" in self.model_fields_set or "sdxl_local" not in self.chain:
            return self.generator_concurrency
        return max(self.generator_concurrency, self.sdxl_local_at_a_time)

    @property
    def _configured(self) -> list[ProviderName]:
        configured: dict[ProviderName, bool] = {
            "sdxl_local": self.sdxl_local_enabled,
            "modal_sdxl_lora": self.modal_is_configured,
            "comfyui": self.comfyui_enabled,
            "replicate": self.replicate_is_configured,
        }
        return [name for name, is_configured in configured.items() if is_configured]

    @model_validator(mode="after")
    def _somebody_makes_images(self) -> Self:
        if not self.chain:
            raise ValueError(
                "AI_IMAGE_PROVIDER: not set, and nothing that makes images is configured"
            )
        return self

    @model_validator(mode="after")
    def _older_names_agree(self) -> Self:
        new, old = self.ai_image_provider, self.lora_provider
        if new and old and new != old:
            raise ValueError("AI_IMAGE_PROVIDER and its older name LORA_PROVIDER differ; set one")
        order = self.lora_inference_provider_order
        primary, fallbacks = new or old, self.ai_image_provider_fallbacks
        if order and primary and order[0] != primary:
            raise ValueError(
                "LORA_INFERENCE_PROVIDER_ORDER begins with another provider than "
                "AI_IMAGE_PROVIDER or LORA_PROVIDER names; set one"
            )
        if order and fallbacks is not None and tuple(order[1:]) != fallbacks:
            raise ValueError(
                "LORA_INFERENCE_PROVIDER_ORDER goes on otherwise than "
                "AI_IMAGE_PROVIDER_FALLBACKS; set one"
            )
        return self

    @model_validator(mode="after")
    def _each_is_complete(self) -> Self:
        lacking = {
            "sdxl_local": not self.sdxl_local_enabled and "SDXL_LOCAL_ENABLED has to be true",
            "modal_sdxl_lora": not self.modal_is_configured
            and "MODAL_ENDPOINT_URL or MODAL_SDXL_LORA_ENDPOINT_ID is needed",
            "comfyui": not self.comfyui_enabled and "COMFYUI_ENABLED has to be true",
            "replicate": not self.replicate_has_token and "REPLICATE_API_TOKEN is needed",
            "openai_images": not self.openai_images_has_key and "OPENAI_API_KEY is needed",
        }
        for name in self.chain:
            if what := lacking.get(name):
                raise ValueError(f"{what} for the provider {name}")
        return self

    @model_validator(mode="after")
    def _replicate_is_not_forbidden(self) -> Self:
        if not self.enable_replicate_fallback and "replicate" in self.chain[1:]:
            raise ValueError(
                "ENABLE_REPLICATE_FALLBACK is false, but replicate is named as a fallback"
            )
        return self


class GeneratorSettings(ServiceSettings, ProviderSettings):
    """All that the service needs."""
