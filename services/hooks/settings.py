"""Settings of the hooks service."""

from pydantic import Field

from shared.settings import ServiceSettings


class HooksSettings(ServiceSettings):
    """Whether and how captions are written."""

    hook_generation_enabled: bool = Field(
        default=True,
        description="false passes every piece through without captions.",
        examples=["true"],
    )
    hooks_concurrency: int = Field(
        default=32, ge=1, le=512, description="Pieces captioned at a time.", examples=[32]
    )
