"""Settings of the ledger."""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL

from services.ledger.adapters.database import PoolLimits
from services.ledger.adapters.database_url import driver_url
from shared.settings import ServiceSettings, split_commas
from shared.signing import PublicKeys


class DatabaseSettings(BaseSettings):
    """Where the database is and how it is used; all that the commands need."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False)

    database_url: SecretStr = Field(
        description="The Postgres database; `?host=` names the directory of a unix socket.",
        examples=["postgresql://atelier:secret@127.0.0.1:5432/atelier"],
    )
    db_pool_size: int = Field(
        # The sweeper holds one while it uses another.
        default=5,
        ge=2,
        le=200,
        description="Connections kept open.",
        examples=[5],
    )
    db_max_overflow: int = Field(
        default=10, ge=0, le=200, description="Connections opened besides at need.", examples=[10]
    )
    db_pool_recycle_seconds: int = Field(
        default=3600, ge=30, description="Age at which a connection is replaced.", examples=[3600]
    )
    db_pool_timeout_seconds: float = Field(
        default=5, gt=0, le=60, description="Longest wait for a free connection.", examples=[5]
    )
    db_statement_timeout_seconds: float = Field(
        default=10, gt=0, le=300, description="Longest a statement may take.", examples=[10]
    )

    @field_validator("database_url")
    @classmethod
    def _is_postgres(cls, value: SecretStr) -> SecretStr:
        driver_url(value.get_secret_value())
        return value

    @property
    def url(self) -> URL:
        """The address, as the driver wants it."""
        return driver_url(self.database_url.get_secret_value())

    @property
    def pool(self) -> PoolLimits:
        """The limits of the pool."""
        return PoolLimits(
            size=self.db_pool_size,
            overflow=self.db_max_overflow,
            recycle_s=self.db_pool_recycle_seconds,
            wait_s=self.db_pool_timeout_seconds,
            statement_s=self.db_statement_timeout_seconds,
        )


class LedgerSettings(ServiceSettings, DatabaseSettings):
    """How the books are kept."""

    ledger_concurrency: int = Field(
        default=16,
        ge=1,
        le=200,
        description="Facts of each kind that are written down at a time.",
        examples=[16],
    )
    sweep_interval_seconds: float = Field(
        default=10, gt=0, le=3600, description="Time between two sweeps.", examples=[10]
    )
    sweep_grace_seconds: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="How long after its deadline a piece is failed by the sweeper.",
        examples=[60],
    )
    verdict_public_keys: Annotated[PublicKeys, NoDecode, BeforeValidator(split_commas)] = Field(
        description="Public halves of the Ed25519 keys whose verdicts count, in hex.",
        examples=["output of `atelier verdict-key`"],
    )
    review_retention_days: float = Field(
        default=30,
        gt=0,
        le=365,
        description="Days after which a piece that nobody has decided about is rejected.",
        examples=[30],
    )
    stall_seconds: float = Field(
        default=180,
        gt=0,
        le=86400,
        description="Silence after which a piece that no queue holds is asked for again.",
        examples=[180],
    )
