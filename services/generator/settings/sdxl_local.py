"""Settings of the provider `sdxl_local`."""

from decimal import Decimal

from pydantic import Field

from services.generator.settings.sdxl import SdxlSettings


class SdxlLocalSettings(SdxlSettings):
    """Our own engine in the generator's process: whether it makes images, and how it is used."""

    sdxl_local_enabled: bool = Field(
        default=False,
        description="Whether this machine has a GPU for the generator: `sdxl_local` is then asked "
        "first.",
        examples=["true"],
    )
    sdxl_local_timeout_seconds: float = Field(
        default=300,
        gt=0,
        le=890,
        description="Longest an image may take, the wait for others included.",
        examples=[300],
    )
    sdxl_local_concurrency: int | None = Field(
        default=None,
        ge=1,
        le=128,
        description="Images at a time in one replica, waiting ones included; unset, twice "
        "`SDXL_MAX_BATCH`.",
        examples=[16],
    )
    sdxl_local_cost_usd_per_image: Decimal | None = Field(
        default=None,
        ge=0,
        le=10,
        description="What an image costs, for the books; unset, as the price table says: nothing.",
        examples=["0.0004"],
    )

    @property
    def sdxl_local_at_a_time(self) -> int:
        """Images that are in hand: those of a batch, and those that take their places."""
        return self.sdxl_local_concurrency or 2 * self.sdxl_max_batch
