"""Settings of storage."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.content import Tier
from shared.settings import ServiceSettings


def _comma_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class StorageSettings(ServiceSettings):
    """Where delivered files are kept and who may read them."""

    objects_dir: Path = Field(
        description="Directory of delivered objects, served by the gateway.",
        examples=["/var/lib/atelier/objects"],
    )
    link_signing_key: SecretStr = Field(
        description="Secret behind links and keys: 32 bytes or more, in hex; the gateway's too.",
        examples=["output of `openssl rand -hex 32`"],
    )
    public_base_url: str = Field(
        default="http://127.0.0.1:8080",
        pattern=r"^https?://",
        description="The gateway as clients see it.",
        examples=["https://images.example.com"],
    )
    public_tiers: Annotated[tuple[Tier, ...], NoDecode, BeforeValidator(_comma_list)] = Field(
        default=(Tier.CAPA1,),
        description="Tiers that anybody may read; the others need a signed link.",
        examples=["capa1"],
    )
    storage_concurrency: int = Field(
        default=8, ge=1, le=128, description="Pieces stored at a time.", examples=[8]
    )

    @field_validator("link_signing_key")
    @classmethod
    def _is_long_hex(cls, value: SecretStr) -> SecretStr:
        try:
            raw = bytes.fromhex(value.get_secret_value())
        except ValueError:
            raise ValueError("must be hexadecimal") from None
        if len(raw) < 32:
            raise ValueError("must be at least 32 bytes (64 hexadecimal digits)")
        return value
