"""Settings of the image worker: the engine's, and those of its door."""

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.generator.settings.sdxl import SdxlSettings
from shared.settings import ProcessSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class WorkerSettings(ProcessSettings, SdxlSettings):
    """A process of its own, without a broker."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    worker_host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address it listens on.",
        examples=["0.0.0.0"],  # noqa: S104 - an example, for a container
    )
    worker_port: int = Field(
        default=8090, ge=0, le=65535, description="Port; 0 takes a free one.", examples=[8090]
    )
    worker_api_token: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="Bearer token that every order has to show, as `MODAL_API_TOKEN` is for the "
        "generator; unset, anybody who reaches the worker may order.",
        examples=["the output of: openssl rand -hex 32"],
    )
    worker_max_body_bytes: int = Field(
        default=64 * 1024,
        ge=1024,
        le=2**20,
        description="Largest order.",
        examples=[65536],
    )
    worker_grace_seconds: float = Field(
        default=60,
        ge=0,
        le=900,
        description="How long running orders may take to end, and results to be fetched, after "
        "SIGTERM.",
        examples=[60],
    )
    worker_results: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="Finished results that are kept for those who poll; some 2 MB each.",
        examples=[64],
    )
    worker_result_seconds: float = Field(
        default=900,
        ge=1,
        le=86_400,
        description="How long a finished result is kept; at least the generator's "
        "`MODAL_TIMEOUT_SECONDS`.",
        examples=[900],
    )

    @property
    def is_open_to_anybody(self) -> bool:
        """Whether other machines may order without a token."""
        return self.worker_api_token is None and self.worker_host not in _LOOPBACK

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.worker_port and self.metrics_port == self.worker_port:
            raise ValueError("METRICS_PORT: WORKER_PORT is the same; choose another")
        return self
