"""Settings of the provider `comfyui`."""

from typing import Self

from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import BaseSettings


class ComfySettings(BaseSettings):
    """A ComfyUI server: where it is, what it runs, how hard it is used."""

    comfyui_enabled: bool = Field(
        default=False, description="Whether ComfyUI makes images.", examples=["true"]
    )
    comfyui_endpoint: AnyHttpUrl | None = Field(
        default=None,
        description="The ComfyUI server, with the path before `/prompt` if it has one.",
        examples=["http://comfyui:8188"],
    )
    comfyui_fallback_on_error: bool = Field(
        default=True,
        description="Whether the next provider is asked when ComfyUI fails.",
        examples=["false"],
    )
    comfyui_workflow_file: str | None = Field(
        default=None,
        description="Workflow in API format with placeholders, instead of the one that comes "
        "along (SDXL and the avatar's LoRA).",
        examples=["/etc/atelier/workflow.json"],
    )
    comfyui_checkpoint: str = Field(
        default="sd_xl_base_1.0.safetensors",
        min_length=1,
        description="What `{{checkpoint}}` stands for in the workflow: a file of ComfyUI's.",
        examples=["juggernautXL_v9.safetensors"],
    )
    comfyui_timeout_seconds: float = Field(
        default=300, gt=0, le=900, description="Longest a call may take.", examples=[300]
    )
    comfyui_concurrency: int = Field(
        default=10, ge=1, le=100, description="Calls at a time from one replica.", examples=[10]
    )
    comfyui_max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="Calls at a time from all replicas together.",
        examples=[20],
    )

    @field_validator("comfyui_endpoint")
    @classmethod
    def _is_bare(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        # Addresses of requests are logged by many a library.
        if url is not None and (url.username or url.password or url.query or url.fragment):
            raise ValueError("must have no user, password, query or fragment")
        return url

    @model_validator(mode="after")
    def _comfyui_is_complete(self) -> Self:
        if self.comfyui_enabled and self.comfyui_endpoint is None:
            raise ValueError("COMFYUI_ENDPOINT is needed when COMFYUI_ENABLED is true")
        return self
