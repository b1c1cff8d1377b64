"""Settings of delivered files: their form, and the credentials in them."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings

from services.storage.domain import DeliveryFormat


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_File = Annotated[Path | None, BeforeValidator(_blank_is_unset)]


class DeliverySettings(BaseSettings):
    """How delivered files are encoded, and who signs them."""

    delivery_format: DeliveryFormat = Field(
        default=DeliveryFormat.JPEG,
        description="What is delivered: `jpeg`, which every platform takes and which costs least; "
        "`webp`, smaller for the same quality at twice the CPU time; or `original`, the "
        "format that the provider gave, encoded anew.",
        examples=["webp"],
    )
    delivery_quality: int = Field(
        default=90, ge=1, le=100, description="Quality of JPEG and WebP.", examples=[90]
    )
    keep_originals: bool = Field(
        default=False,
        description="Keep the judged bytes beside each delivered file, always private.",
        examples=["true"],
    )
    imaging_concurrency: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Images decoded at a time; each takes up to 50 MB meanwhile.",
        examples=[2],
    )
    c2pa_certificate_file: _File = Field(
        default=None,
        description="Certificate chain that signs content credentials, in PEM, the signer's "
        "first; unset, a development certificate is made.",
        examples=["/etc/atelier/c2pa/chain.pem"],
    )
    c2pa_private_key_file: _File = Field(
        default=None,
        description="Private key of that certificate, in PEM, without a passphrase.",
        examples=["/etc/atelier/c2pa/key.pem"],
    )
    c2pa_algorithm: Literal["es256"] = Field(
        default="es256", description="How credentials are signed.", examples=["es256"]
    )
    c2pa_development_dir: _File = Field(
        default=None,
        description="Where the development certificate is kept; unset, in `credentials` beside "
        "`OBJECTS_DIR`.",
        examples=["/var/lib/atelier/credentials"],
    )
    c2pa_tsa_url: Annotated[str | None, BeforeValidator(_blank_is_unset)] = Field(
        default=None,
        pattern=r"^https?://[^\s@?#]+$",
        description="Time-stamp authority (RFC 3161) that is asked at every signature.",
        examples=["http://timestamp.example.com"],
    )

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if self.c2pa_certificate_file is not None and self.c2pa_private_key_file is None:
            raise ValueError("C2PA_PRIVATE_KEY_FILE is needed with C2PA_CERTIFICATE_FILE")
        if self.c2pa_private_key_file is not None and self.c2pa_certificate_file is None:
            raise ValueError("C2PA_CERTIFICATE_FILE is needed with C2PA_PRIVATE_KEY_FILE")
        return self
