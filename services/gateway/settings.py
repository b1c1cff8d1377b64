"""Settings of the gateway."""

from decimal import Decimal
from pathlib import Path

from pydantic import AnyHttpUrl, Field

from services.gateway.adapters.template_file import TEMPLATES_FILE
from services.gateway.domain.estimates import RATES, Rate
from shared.settings import HexKey, ServiceSettings

# Who listens everywhere is reached here, as far as this machine can tell.
_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class GatewaySettings(ServiceSettings):
    """Where the front door stands, and what it promises."""

    gateway_host: str = Field(
        default="127.0.0.1", description="Address to listen on.", examples=["192.0.2.10"]
    )
    gateway_port: int = Field(
        default=8080, ge=1, le=65535, description="Port to listen on.", examples=[8080]
    )
    public_base_url: AnyHttpUrl | None = Field(
        default=None,
        description="The gateway as clients see it; where it listens unless given.",
        examples=["https://atelier.example.com"],
    )
    objects_base_url: AnyHttpUrl | None = Field(
        default=None,
        description="Where open objects are read, for example a CDN; the gateway unless given.",
        examples=["https://cdn.example.com"],
    )
    r2_public_url: AnyHttpUrl | None = Field(
        default=None,
        description="Storage's setting: where open objects are read, unless `OBJECTS_BASE_URL` "
        "says otherwise.",
        examples=["https://cdn.example.com"],
    )
    objects_dir: Path = Field(
        description="Directory of delivered objects, as storage writes it.",
        examples=["/var/lib/atelier/objects"],
    )
    link_signing_key: HexKey = Field(
        description="Secret that signs links to private objects: at least 32 bytes, hexadecimal.",
        examples=["the output of: openssl rand -hex 32"],
    )
    link_ttl_seconds: int = Field(
        default=3600, ge=1, le=7 * 24 * 3600, description="Life of signed links.", examples=[3600]
    )
    generate_timeout_seconds: float = Field(
        default=30,
        gt=0,
        le=600,
        description="Longest that a waiting request waits; the work goes on after it.",
        examples=[30],
    )
    gateway_max_requests: int = Field(
        default=256,
        ge=1,
        le=10_000,
        description="Requests answered at a time, those that wait included; more get a 503.",
        examples=[256],
    )
    health_cache_seconds: float = Field(
        default=2, ge=0, le=300, description="Greatest age of the health page.", examples=[2]
    )
    upload_to_storage_enabled: bool = Field(
        default=True,
        description="false: every piece is kept privately and shown as a data URL; orders that "
        "ask for an upload, and `POST /content/upload-batch`, are refused.",
        examples=["true"],
    )
    templates_file: Path = Field(
        default=TEMPLATES_FILE,
        description="The templates; a change is noticed within a second.",
        examples=["/etc/atelier/templates.json"],
    )
    ai_image_provider: str = Field(
        default="modal_sdxl_lora",
        description="Who makes images; decides the estimates that are not set below.",
        examples=["modal_sdxl_lora"],
    )
    estimate_seconds_per_piece: Decimal | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="What a piece adds to a batch's time, parallel work counted in.",
        examples=["6"],
    )
    estimate_usd_per_piece: Decimal | None = Field(
        default=None, ge=0, le=1000, description="What a piece costs.", examples=["0.01"]
    )

    @property
    def base_url(self) -> str:
        """The gateway as clients see it, without a slash at the end."""
        if self.public_base_url is not None:
            return str(self.public_base_url).rstrip("/")
        host = _REACHED_AT.get(self.gateway_host, self.gateway_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.gateway_port}"

    @property
    def objects_url(self) -> str:
        """Where open objects are read, without a slash at the end."""
        elsewhere = self.objects_base_url or self.r2_public_url
        if elsewhere is not None:
            return str(elsewhere).rstrip("/")
        return f"{self.base_url}/objects"

    @property
    def rate(self) -> Rate:
        """What a piece is expected to take and cost."""
        usual = RATES.get(self.ai_image_provider, RATES["modal_sdxl_lora"])
        seconds, usd = self.estimate_seconds_per_piece, self.estimate_usd_per_piece
        return Rate(
            seconds=usual.seconds if seconds is None else seconds,
            usd=usual.usd if usd is None else usd,
        )
