"""Settings of the generator."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from shared.settings import ServiceSettings, split_commas

ProviderName = Literal["preview", "modal_sdxl_lora"]


class GeneratorSettings(ServiceSettings):
    """Which providers make images, and how hard they are tried."""

    ai_image_provider: ProviderName = Field(
        description="Who makes images; there is no default, so that nothing is drawn by accident.",
        examples=["modal_sdxl_lora"],
    )
    ai_image_provider_fallbacks: Annotated[
        tuple[ProviderName, ...], NoDecode, BeforeValidator(split_commas)
    ] = Field(
        default=(),
        description="Who is asked after that, in order, separated by commas.",
        examples=["modal_sdxl_lora"],
    )
    generator_concurrency: int = Field(
        default=2, ge=1, le=64, description="Pieces of batches made at a time.", examples=[3]
    )
    generator_interactive_concurrency: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Pieces made at a time for callers who wait, besides the batches'.",
        examples=[1],
    )
    modal_endpoint_url: AnyHttpUrl | None = Field(
        default=None,
        description="The worker: a URL with its path, or a bare origin.",
        examples=["https://example--atelier-worker.modal.run"],
    )
    modal_inference_path: str = Field(
        default="/generate-image",
        pattern=r"^/",
        description="Path added to a bare origin.",
        examples=["/api/v1/inference"],
    )
    modal_api_token: SecretStr | None = Field(
        default=None, description="Bearer token of the worker.", examples=["ak-…"]
    )
    modal_timeout_seconds: float = Field(
        default=300, gt=0, le=900, description="Longest a call may take.", examples=[300]
    )
    modal_max_retries: int = Field(
        default=3, ge=0, le=10, description="Retries of one piece there.", examples=[3]
    )
    modal_retry_backoff_base: float = Field(
        default=1.0, gt=0, le=60, description="First wait in seconds; doubles.", examples=[1.0]
    )
    modal_cost_usd_per_image: Decimal = Field(
        default=Decimal("0.01"), ge=0, le=10, description="What an image costs.", examples=["0.01"]
    )

    @property
    def chain(self) -> tuple[ProviderName, ...]:
        """All providers in the order they are asked, each once."""
        return tuple(dict.fromkeys((self.ai_image_provider, *self.ai_image_provider_fallbacks)))

    @model_validator(mode="after")
    def _modal_is_complete(self) -> Self:
        if "modal_sdxl_lora" in self.chain and self.modal_endpoint_url is None:
            raise ValueError("MODAL_ENDPOINT_URL is needed for the provider modal_sdxl_lora")
        return self
