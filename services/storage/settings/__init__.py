"""Settings of storage."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from services.storage.settings.delivery import DeliverySettings
from services.storage.settings.r2 import R2Settings
from shared.content import Tier
from shared.settings import HexKey, ServiceSettings, split_commas
from shared.signing import PublicKeys


class StorageSettings(ServiceSettings, R2Settings, DeliverySettings):
    """Where delivered files are kept and who may read them."""

    objects_dir: Path = Field(
        description="Directory of delivered objects, served by the gateway; with R2, what waits to "
        "be uploaded.",
        examples=["/var/lib/atelier/objects"],
    )
    link_signing_key: HexKey = Field(
        description="Secret behind links and keys: 32 bytes or more, in hex; the gateway's too.",
        examples=["output of `openssl rand -hex 32`"],
    )
    public_base_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://",
        description="The gateway as clients see it.",
        examples=["https://images.example.com"],
    )
    public_tiers: Annotated[tuple[Tier, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        default=(Tier.CAPA1,),
        description="Tiers that anybody may read; the others need a signed link.",
        examples=["capa1"],
    )
    verdict_public_keys: Annotated[PublicKeys, NoDecode, BeforeValidator(split_commas)] = Field(
        description="Public halves of the Ed25519 keys whose verdicts count, in hex.",
        examples=["output of `atelier verdict-key`"],
    )
    objects_reserve_mb: int = Field(
        default=512,
        ge=0,
        description="Room that stays free: with less of it left, no order is taken.",
        examples=[512],
    )
    storage_sweep_seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="Time between two looks for what was left behind.",
        examples=[60],
    )
    storage_orphan_sweep_seconds: float = Field(
        default=3600,
        gt=0,
        le=7 * 24 * 3600,
        description="Time between two looks through all objects for those that no piece owns.",
        examples=[3600],
    )
    storage_orphan_grace_seconds: float = Field(
        default=3600,
        ge=600,
        description="Age from which such an object is removed.",
        examples=[3600],
    )
    held_limit_mb: int = Field(
        default=2048,
        ge=0,
        description="Most that is kept in `OBJECTS_DIR` while the remote store is away.",
        examples=[2048],
    )
    storage_concurrency: int = Field(
        default=8, ge=1, le=128, description="Pieces stored at a time.", examples=[8]
    )

    @property
    def link_secret(self) -> bytes:
        """The secret behind links and keys."""
        return bytes.fromhex(self.link_signing_key.get_secret_value())

    @property
    def open_tiers(self) -> tuple[Tier, ...]:
        """Tiers that anybody may read; none where there is no address to read them at."""
        has_address = not self.is_remote or self.r2_public_url is not None
        return self.public_tiers if has_address else ()
