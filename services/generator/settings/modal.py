"""Settings of the provider `modal_sdxl_lora`."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class ModalSettings(BaseSettings):
    """The SDXL + LoRA worker: where it is, how it is called, how hard it is tried."""

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
    modal_api_key: SecretStr | None = Field(
        default=None, description="Older name of `MODAL_API_TOKEN`.", examples=["ak-…"]
    )
    modal_sdxl_lora_endpoint_id: str | None = Field(
        default=None,
        pattern=r"^([A-Za-z0-9_.-]+/[A-Za-z0-9_-]+|fu-[A-Za-z0-9]+)$",
        description="Instead of an address: a deployed Modal function, as `app/function` or by "
        "its id `fu-…`.",
        examples=["atelier-worker/generate_image"],
    )
    modal_token_id: SecretStr | None = Field(
        default=None,
        description="Modal's own token for calling a function; unset: what its SDK finds in "
        "`~/.modal.toml`.",
        examples=["ak-…"],
    )
    modal_token_secret: SecretStr | None = Field(
        default=None, description="The secret of `MODAL_TOKEN_ID`.", examples=["as-…"]
    )
    modal_mode: Literal["sync", "async"] = Field(
        default="sync",
        description="How a worker with an address is asked: `sync` waits for the answer to the "
        "request; `async` submits it and polls.",
        examples=["async"],
    )
    modal_poll_seconds: float = Field(
        default=2, gt=0, le=60, description="Seconds between two looks for a result.", examples=[2]
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
    modal_cost_usd_per_image: Decimal | None = Field(
        default=None,
        ge=0,
        le=10,
        description="What an image costs, instead of the price table's figure.",
        examples=["0.01"],
    )
    modal_concurrency: int = Field(
        default=3, ge=1, le=5, description="Calls at a time from one replica.", examples=[3]
    )
    modal_max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="Calls at a time from all replicas together.",
        examples=[10],
    )

    @property
    def modal_token(self) -> SecretStr | None:
        """The token, by either name."""
        return self.modal_api_token or self.modal_api_key

    @property
    def modal_is_configured(self) -> bool:
        """Whether there is a worker, by its address or as a function."""
        return self.modal_endpoint_url is not None or self.modal_sdxl_lora_endpoint_id is not None

    @model_validator(mode="after")
    def _one_worker(self) -> Self:
        if self.modal_sdxl_lora_endpoint_id is None:
            return self
        if self.modal_endpoint_url is not None:
            raise ValueError(
                "MODAL_ENDPOINT_URL and MODAL_SDXL_LORA_ENDPOINT_ID name two workers; set one"
            )
        if "modal_mode" in self.model_fields_set:
            raise ValueError(
                "MODAL_MODE is for a worker with an address; "
                "leave it out with MODAL_SDXL_LORA_ENDPOINT_ID"
            )
        return self

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if bool(self.modal_token_id) != bool(self.modal_token_secret):
            raise ValueError("MODAL_TOKEN_ID and MODAL_TOKEN_SECRET go together; one is missing")
        return self

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        new, old = self.modal_api_token, self.modal_api_key
        if new and old and new.get_secret_value() != old.get_secret_value():
            raise ValueError("MODAL_API_TOKEN and its older name MODAL_API_KEY differ; set one")
        return self
