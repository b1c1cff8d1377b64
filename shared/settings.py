"""Settings come from the environment; a wrong one stops the service before it is ready."""

import os
import re
import sys
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

EXIT_MISCONFIGURED = 2
MIN_KEY_BYTES = 32
USER_SEED = re.compile(r"SU[A-Z2-7]{56}")


def _is_hex_key(secret: SecretStr) -> SecretStr:
    try:
        key = bytes.fromhex(secret.get_secret_value())
    except ValueError:
        raise ValueError("must be hexadecimal") from None
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"must have at least {MIN_KEY_BYTES} bytes ({2 * MIN_KEY_BYTES} digits)")
    return secret


HexKey = Annotated[SecretStr, AfterValidator(_is_hex_key)]
"""A key of at least 32 bytes, written in hexadecimal."""


def _is_user_seed(secret: SecretStr) -> SecretStr:
    if not USER_SEED.fullmatch(secret.get_secret_value()):
        raise ValueError("must be the seed of a user's nkey: SU and 56 letters and digits")
    return secret


UserSeed = Annotated[SecretStr, AfterValidator(_is_user_seed)]
"""The secret half of a user's nkey."""


def split_commas(value: object) -> object:
    """`a, b` as a tuple; for lists that are set as plain text."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


class ProcessSettings(BaseSettings):
    """What every process needs, whether it has a broker or not."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True
    )

    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Where Prometheus reads this process's figures; unset, nothing is served.",
        examples=[9100],
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address on which the figures are served.",
        examples=["10.0.0.5"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged.", examples=["info"]
    )
    enable_structured_logging: bool = Field(
        default=True, description="JSON lines; false gives lines for people.", examples=["true"]
    )


class ServiceSettings(ProcessSettings):
    """What every service needs."""

    nats_url: SecretStr = Field(
        description="Address of the NATS server, with user or token if it wants one.",
        examples=["nats://127.0.0.1:4222"],
    )
    nats_nkey_seed: UserSeed | None = Field(
        default=None,
        description="Secret half of the nkey by which the server knows this service.",
        examples=["the output of: nk -gen user"],
    )
    nats_namespace: str = Field(
        default="",
        pattern=r"^[a-z0-9]{0,32}$",
        description="Prefix of streams and subjects; lets installations share one server.",
        examples=["staging"],
    )


S = TypeVar("S", bound=BaseSettings)


def load_settings(settings: type[S]) -> S:
    """Read `settings` from the environment, or exit with status 2 naming each wrong key."""
    try:
        return settings()
    except ValidationError as exc:
        for line in _explain(settings, exc):
            print(line, file=sys.stderr)
        raise SystemExit(EXIT_MISCONFIGURED) from None
    except SettingsError as exc:
        # A list or a mapping that is no JSON; the message names the field, not its value.
        print(f"configuration error: {exc}", file=sys.stderr)
        raise SystemExit(EXIT_MISCONFIGURED) from None


def fail_misconfigured(key: str, message: str) -> SystemExit:
    """The exit for what only shows when the service opens, for example a missing directory."""
    print(f"configuration error: {key}: {message}", file=sys.stderr)
    return SystemExit(EXIT_MISCONFIGURED)


def _explain(settings: type[BaseSettings], exc: ValidationError) -> list[str]:
    lines = []
    for error in exc.errors(include_input=False, include_url=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        field = settings.model_fields.get(name.lower())
        example = field.examples[0] if field is not None and field.examples else None
        hint = f" (for example {name.upper()}={example})" if example is not None else ""
        state = "" if name.upper() in os.environ or not name else "not set: "
        lines.append(f"configuration error: {name.upper()}: {state}{error['msg']}{hint}")
    return lines
