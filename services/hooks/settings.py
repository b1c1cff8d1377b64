"""Settings of the hooks service."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from shared.settings import ServiceSettings, split_commas

ModelVendor = Literal["anthropic", "openai"]
CopywriterName = Literal["anthropic", "openai", "templates"]
TEMPLATES: CopywriterName = "templates"


class HooksSettings(ServiceSettings):
    """Whether and by whom captions are written."""

    hook_generation_enabled: bool = Field(
        default=True,
        description="false passes every piece through without captions.",
        examples=["true"],
    )
    hooks_concurrency: int = Field(
        default=32, ge=1, le=512, description="Pieces captioned at a time.", examples=[32]
    )
    hook_providers: Annotated[
        tuple[CopywriterName, ...] | None, NoDecode, BeforeValidator(split_commas)
    ] = Field(
        default=None,
        description="Who writes captions, in order, separated by commas: `anthropic`, `openai`; "
        "`templates` are always last. Unset: those whose key this service sees, also where a key "
        "was set for another service's sake; `templates` asks nobody, whatever keys there are.",
        examples=["openai,anthropic"],
    )
    hook_batch_size: int = Field(
        default=10, ge=1, le=16, description="Pieces in one call of a model.", examples=[10]
    )
    hook_linger_seconds: float = Field(
        default=0.5,
        ge=0,
        le=2,
        description="How long a piece that nobody waits for waits for more of its kind.",
        examples=[1],
    )
    hook_timeout_seconds: float = Field(
        default=20, ge=1, le=25, description="Longest a call of a model may take.", examples=[20]
    )
    hook_wait_seconds: float = Field(
        default=60,
        ge=0,
        le=900,
        description="How long a piece waits for busy models, the ledger or the text screen, before "
        "it gets written captions.",
        examples=[60],
    )
    hook_price_file: Path | None = Field(
        default=None,
        description="What models charge, instead of the table that comes along.",
        examples=["/etc/atelier/caption-prices.json"],
    )
    anthropic_api_key: SecretStr | None = Field(
        default=None,
        description="Key for the copywriter `anthropic`, which is asked once it is set, unless "
        "`HOOK_PROVIDERS` says otherwise.",
        examples=["sk-ant-…"],
    )
    anthropic_base_url: str = Field(
        default="https://api.anthropic.com",
        pattern=r"^https?://",
        description="Where the copywriter `anthropic` is reached.",
        examples=["https://api.anthropic.com"],
    )
    anthropic_hook_model: str = Field(
        default="claude-haiku-5-5",
        pattern=r"^[\w.-]+$",
        description="The model of `anthropic`; it has to be in the price table.",
        examples=["claude-sonnet-5-5"],
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        description="Key for the copywriter `openai`, which is asked once it is set, unless "
        "`HOOK_PROVIDERS` says otherwise.",
        examples=["sk-…"],
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        pattern=r"^https?://",
        description="Where the copywriter `openai` is reached.",
        examples=["https://api.openai.com/v1"],
    )
    openai_hook_model: str = Field(
        default="gpt-6-luna",
        pattern=r"^[\w.-]+$",
        description="The model of `openai`; it has to be in the price table.",
        examples=["gpt-5.6-luna"],
    )

    @property
    def models(self) -> tuple[ModelVendor, ...]:
        """Whose models are asked, in order, before written captions do."""
        named = self.hook_providers
        vendors: tuple[ModelVendor, ...] = ("anthropic", "openai")
        if named is None:
            return tuple(vendor for vendor in vendors if self.key_of(vendor))
        return tuple(name for name in named if name != "templates")

    def key_of(self, vendor: ModelVendor) -> str:
        """The key of a vendor, or nothing."""
        key = self.anthropic_api_key if vendor == "anthropic" else self.openai_api_key
        return "" if key is None else key.get_secret_value().strip()

    @field_validator("hook_providers")
    @classmethod
    def _in_order(
        cls, names: tuple[CopywriterName, ...] | None
    ) -> tuple[CopywriterName, ...] | None:
        if names is not None and len(set(names)) != len(names):
            raise ValueError("names a copywriter twice")
        if names and TEMPLATES in names[:-1]:
            raise ValueError("templates are always last")
        return names

    @model_validator(mode="after")
    def _have_their_keys(self) -> Self:
        for vendor in self.models:
            if not self.key_of(vendor):
                raise ValueError(
                    f"HOOK_PROVIDERS has {vendor}, which needs {vendor.upper()}_API_KEY"
                )
        return self
