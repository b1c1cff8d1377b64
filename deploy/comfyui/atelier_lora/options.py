"""What the operator allows, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MB = 2**20


class OptionsError(ValueError):
    """A variable cannot be used; the message names it."""


@dataclass(frozen=True)
class Options:
    """Origins that weights may come from, the largest file, and the cache with its size."""

    origins: frozenset[str]
    most_bytes: int
    cache: Path
    cache_bytes: int


def options_from(environment: Mapping[str, str], default_cache: Path) -> Options:
    """Nothing is fetched from anywhere until ATELIER_LORA_ORIGINS names it. Raises OptionsError."""
    named = environment.get("ATELIER_LORA_ORIGINS", "").split(",")
    origins = frozenset(one.strip().rstrip("/").lower() for one in named if one.strip())
    for origin in origins:
        if not origin.startswith(("http://", "https://")):
            raise OptionsError(f"ATELIER_LORA_ORIGINS: not an origin: {origin}")
    return Options(
        origins=origins,
        most_bytes=_megabytes(environment, "ATELIER_LORA_MAX_MB", 1024),
        cache=Path(environment.get("ATELIER_LORA_CACHE") or default_cache),
        cache_bytes=_megabytes(environment, "ATELIER_LORA_CACHE_MB", 20_480),
    )


def _megabytes(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name) or str(default)
    if not value.isdigit() or int(value) == 0:
        raise OptionsError(f"{name}: must be a number of megabytes")
    return int(value) * _MB
