"""Settings of the remote object store: Cloudflare R2, or anything else that speaks S3."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

_ORIGIN = r"^https?://[^\s/@?#]+/?$"
_BASE = r"^https?://[^\s@?#]+$"
_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"


def _blank_is_unset(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


_Blankable = BeforeValidator(_blank_is_unset)
_Text = Annotated[str | None, _Blankable]
_Secret = Annotated[SecretStr | None, _Blankable]


class R2Settings(BaseSettings):
    """Where delivered files go instead of a local directory: all of it, or nothing."""

    r2_endpoint_url: _Text = Field(
        default=None,
        pattern=_ORIGIN,
        description="The store's S3 API, without a path; follows from `R2_ACCOUNT_ID` unless "
        "given.",
        examples=["https://0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com"],
    )
    r2_account_id: _Text = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]{1,63}$",
        description="Cloudflare account, from which the address of its R2 follows.",
        examples=["0123456789abcdef0123456789abcdef"],
    )
    r2_access_key_id: _Secret = Field(
        default=None,
        description="Access key that may read, write, list and delete there.",
        examples=["the access key ID of an R2 API token"],
    )
    r2_secret_access_key: _Secret = Field(
        default=None,
        description="The secret of that key.",
        examples=["the secret access key of an R2 API token"],
    )
    r2_bucket_name: _Text = Field(
        default=None,
        pattern=_BUCKET,
        description="Bucket of what not everybody may read, LoRA weights included.",
        examples=["atelier-private"],
    )
    r2_public_bucket_name: _Text = Field(
        default=None,
        pattern=_BUCKET,
        description="Bucket of what anybody may read, served at `R2_PUBLIC_URL`; unset, the "
        "folder `public/` of the other one.",
        examples=["atelier-public"],
    )
    r2_public_url: _Text = Field(
        default=None,
        pattern=_BASE,
        description="Where the open objects are read, for example a CDN; unset, nothing is open "
        "and every link is signed.",
        examples=["https://cdn.example.com"],
    )
    r2_region: str = Field(
        default="auto", description="Region that requests are signed for.", examples=["auto"]
    )
    r2_addressing_style: Literal["path", "virtual"] = Field(
        default="path",
        description="Whether the bucket is named in the path or in the host.",
        examples=["path"],
    )

    @property
    def endpoint(self) -> str:
        """Address of the store's API, without a slash at the end."""
        given = self.r2_endpoint_url or f"https://{self.r2_account_id}.r2.cloudflarestorage.com"
        return given.rstrip("/")

    @property
    def is_remote(self) -> bool:
        """Whether delivered files go to a remote store."""
        return self.r2_bucket_name is not None

    @model_validator(mode="after")
    def _all_or_nothing(self) -> Self:
        needed = {
            "R2_ENDPOINT_URL or R2_ACCOUNT_ID": self.r2_endpoint_url or self.r2_account_id,
            "R2_ACCESS_KEY_ID": self.r2_access_key_id,
            "R2_SECRET_ACCESS_KEY": self.r2_secret_access_key,
            "R2_BUCKET_NAME": self.r2_bucket_name,
        }
        lacking = [name for name, value in needed.items() if not value]
        begun = len(lacking) < len(needed) or self.r2_public_bucket_name or self.r2_public_url
        if begun and lacking:
            raise ValueError(f"{', '.join(lacking)}: not set, though others of R2_ are")
        return self

    @model_validator(mode="after")
    def _buckets_differ(self) -> Self:
        if self.r2_public_bucket_name and self.r2_public_bucket_name == self.r2_bucket_name:
            raise ValueError("R2_PUBLIC_BUCKET_NAME: has to be another bucket than R2_BUCKET_NAME")
        return self

    @model_validator(mode="after")
    def _what_is_public_has_an_address(self) -> Self:
        if self.r2_public_bucket_name and not self.r2_public_url:
            raise ValueError("R2_PUBLIC_URL: not set, though R2_PUBLIC_BUCKET_NAME is")
        return self
