"""Settings of the provider `replicate`."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from shared.settings import split_commas

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*\.[a-z]{2,63}")


def _are_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError("must be names of hosts in lower case, without scheme, port or path")
    return hosts


HostNames = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(split_commas), AfterValidator(_are_names)
]


class ReplicateSettings(BaseSettings):
    """Models that somebody else runs, without the avatar's weights."""

    replicate_api_token: SecretStr | None = Field(
        default=None, description="Token of the API at replicate.com.", examples=["r8_…"]
    )
    enable_replicate_fallback: bool = Field(
        default=True,
        description="Whether `replicate` is a fallback wherever it has a token.",
        examples=["false"],
    )
    replicate_model: str = Field(
        default="black-forest-labs/flux-1.1-pro",
        pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[0-9a-f]{64})?$",
        description="The model: `owner/name`, or `owner/name:version`.",
        examples=["black-forest-labs/flux-schnell"],
    )
    replicate_base_url: str = Field(
        default="https://api.replicate.com/v1",
        pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$",
        description="Where the API is reached.",
        examples=["https://api.replicate.com/v1"],
    )
    replicate_output_hosts: HostNames = Field(
        default=("replicate.delivery",),
        min_length=1,
        description="From where images are fetched, separated by commas; subdomains included.",
        examples=["replicate.delivery"],
    )
    replicate_timeout_seconds: float = Field(
        default=60, ge=10, le=900, description="Longest a call may take.", examples=[60]
    )
    replicate_poll_seconds: float = Field(
        default=1, gt=0, le=30, description="Time between two polls.", examples=[1]
    )
    replicate_max_retries: int = Field(
        default=1, ge=0, le=10, description="Retries of one piece there.", examples=[1]
    )
    replicate_cost_usd_per_image: Decimal | None = Field(
        default=None,
        ge=0,
        le=10,
        description="What an image costs, instead of the price table's figure. Needed for models "
        "that the table does not know.",
        examples=["0.04"],
    )
    replicate_concurrency: int = Field(
        default=5, ge=1, le=20, description="Calls at a time from one replica.", examples=[5]
    )
    replicate_max_in_flight: int | None = Field(
        default=None,
        ge=1,
        description="Calls at a time from all replicas together.",
        examples=[20],
    )

    @property
    def replicate_has_token(self) -> bool:
        """Whether it can be asked at all."""
        token = self.replicate_api_token
        return token is not None and bool(token.get_secret_value())

    @property
    def replicate_is_configured(self) -> bool:
        """Whether it is asked without being named."""
        return self.enable_replicate_fallback and self.replicate_has_token
