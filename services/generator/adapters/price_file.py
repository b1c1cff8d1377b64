"""Read the price table: what each provider charges, and when that was looked up."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from services.generator.domain.prices import Price
from shared.money import to_micros

PRICES_FILE = Path(__file__).parents[1] / "prices.json"

Usd = Annotated[Decimal, Field(ge=0, le=100)]
Size = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{2,3}x[1-9]\d{2,3}$")]


class PriceFileError(ValueError):
    """The file cannot be used; the message names it and every place at fault."""


class PriceUnknown(LookupError):
    """The table has no price for this provider and model."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str
    model: str = ""
    quality: str = ""
    source: str
    read: date
    per_image_usd: Usd | None = None
    by_size_usd: dict[Size, Usd] = {}
    per_million_tokens_usd: dict[str, Usd] = {}

    @model_validator(mode="after")
    def _names_a_price(self) -> Self:
        if self.per_image_usd is None and not self.by_size_usd:
            raise ValueError("per_image_usd or by_size_usd is needed")
        return self

    @property
    def price(self) -> Price:
        any_size = None if self.per_image_usd is None else to_micros(self.per_image_usd)
        # A dollar for a million tokens is a thousand nano-dollars for one.
        nanos = {kind: int(usd * 1_000) for kind, usd in self.per_million_tokens_usd.items()}
        return Price(
            source=self.source,
            read=self.read,
            per_image_usd_micros=any_size,
            by_size={size: to_micros(usd) for size, usd in self.by_size_usd.items()} or None,
            per_token_usd_nanos=nanos or None,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    prices: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by provider, model and quality; empty where a provider has no such choice."""

    entries: Mapping[tuple[str, str, str], Price]

    def price(self, provider: str, model: str = "", quality: str = "") -> Price:
        """The entry that names all three, else the provider's own. Raises PriceUnknown."""
        for key in ((provider, model, quality), (provider, model, ""), (provider, "", "")):
            if (price := self.entries.get(key)) is not None:
                return price
        raise PriceUnknown(f"no price for {provider} {model} {quality}".strip())


def read_prices(path: str | Path | None = None) -> PriceTable:
    """The price table of a file. Reads the disk: keep it off the event loop.

    Raises PriceFileError.
    """
    chosen = PRICES_FILE if path is None else Path(path)
    try:
        # Not by floats: prices are decimal.
        raw = json.loads(chosen.read_text(encoding="utf-8"), parse_float=Decimal)
        read = _File.model_validate(raw)
    except OSError as exc:
        raise PriceFileError(f"{chosen}: cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        faults = (
            f"{chosen}: {'.'.join(map(str, fault['loc'])) or 'whole file'}: {fault['msg']}"
            for fault in exc.errors(include_url=False)
        )
        raise PriceFileError("\n".join(faults)) from exc
    except ValueError as exc:
        raise PriceFileError(f"{chosen}: not JSON: {exc}") from exc
    return PriceTable(
        {(entry.provider, entry.model, entry.quality): entry.price for entry in read.prices}
    )
