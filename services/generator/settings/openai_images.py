"""Settings of the provider `openai_images`."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class OpenAIImagesSettings(BaseSettings):
    """OpenAI's image models, without the avatar's weights."""

    openai_api_key: SecretStr | None = Field(
        default=None, description="Key for the provider `openai_images`.", examples=["sk-…"]
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        pattern=r"^https?://",
        description="Where the provider `openai_images` is reached.",
        examples=["https://api.openai.com/v1"],
    )
    openai_image_model: str = Field(
        default="gpt-image-2.5-flare",
        pattern=r"^[\w.-]+$",
        description="The model; it has to be in the price table.",
        examples=["gpt-image-2.5-sunburst"],
    )
    openai_image_quality: Literal["low", "medium", "high", "xhigh", "max"] = Field(
        default="medium",
        description="How much is spent on an image; `xhigh` and `max` from `gpt-image-2.5` on.",
        examples=["high"],
    )
    openai_image_moderation: Literal["auto", "low"] = Field(
        default="auto",
        description="How strict the vendor's own filter is.",
        examples=["low"],
    )
    openai_image_timeout_seconds: float = Field(
        default=180, ge=10, le=900, description="Longest a call may take.", examples=[180]
    )
    openai_image_concurrency: int = Field(
        default=3, ge=1, le=20, description="Calls at a time from one replica.", examples=[3]
    )
    openai_image_max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="Calls at a time from all replicas together.",
        examples=[10],
    )

    @property
    def openai_images_has_key(self) -> bool:
        """Whether it can be asked at all."""
        key = self.openai_api_key
        return key is not None and bool(key.get_secret_value())
