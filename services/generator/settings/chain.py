"""Settings of the chain of providers: who is asked, in which order, and what stands in."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from services.generator.domain.strategy import Strategy
from shared.settings import split_commas

ProviderName = Literal[
    "preview", "sdxl_local", "modal_sdxl_lora", "comfyui", "replicate", "openai_images"
]
ProviderNames = Annotated[tuple[ProviderName, ...], NoDecode, BeforeValidator(split_commas)]


class ChainSettings(BaseSettings):
    """Who makes images. Nothing is drawn by accident: `preview` is only ever named."""

    ai_image_provider: ProviderName | None = Field(
        default=None,
        description="Who makes images. Unset: the first that is configured, in the order "
        "sdxl_local, modal_sdxl_lora, comfyui, replicate.",
        examples=["modal_sdxl_lora"],
    )
    ai_image_provider_fallbacks: ProviderNames | None = Field(
        default=None,
        description="Who is asked after that, in order, separated by commas. Unset: what else is "
        "configured; empty: nobody.",
        examples=["comfyui,replicate"],
    )
    lora_provider: ProviderName | None = Field(
        default=None,
        description="Older name of `AI_IMAGE_PROVIDER`.",
        examples=["modal_sdxl_lora"],
    )
    lora_inference_provider_order: ProviderNames | None = Field(
        default=None,
        description="Older way to name all providers in order, the first one included.",
        examples=["modal_sdxl_lora,replicate"],
    )
    provider_strategy: Strategy = Field(
        default=Strategy.ORDERED,
        description="`ordered` asks in the given order, `cost-optimized` whose image is expected "
        "to cost least, `latency-optimized` whose is expected soonest, both as measured.",
        examples=["latency-optimized"],
    )
    provider_outage_wait_seconds: float = Field(
        default=120,
        ge=0,
        le=900,
        description="How long pieces of a batch wait while no provider may be called.",
        examples=[120],
    )
    allow_degraded: bool = Field(
        default=True,
        description="Whether an image without the avatar's likeness, or an earlier one, may be "
        "made of an order that does not refuse it.",
        examples=["false"],
    )
    cached_fallback_enabled: bool = Field(
        default=True,
        description="Whether an approved earlier image of the avatar may stand in for one that "
        "nobody can make.",
        examples=["false"],
    )
    provider_price_file: str | None = Field(
        default=None,
        description="What providers charge, instead of the table that comes along.",
        examples=["/etc/atelier/prices.json"],
    )
    generator_concurrency: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Pieces of batches made at a time; unset with `sdxl_local`, as many as it may "
        "have.",
        examples=[3],
    )
    generator_interactive_concurrency: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Pieces made at a time for callers who wait, besides the batches'.",
        examples=[1],
    )
