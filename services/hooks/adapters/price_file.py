"""Read the price table: what each model charges, when that was looked up, and how it is asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from services.hooks.domain.prices import TokenPrice

PRICES_FILE = Path(__file__).parents[1] / "prices.json"

Kind = Literal["input", "cached_input", "cache_write", "output"]
Usd = Annotated[Decimal, Field(ge=0, le=1000)]


class PriceFileError(ValueError):
    """The file cannot be used; the message names it and every place at fault."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Literal["anthropic", "openai"]
    model: str
    source: str
    read: date
    without_thinking: Literal["", "disabled", "none", "minimal"] = ""
    per_million_usd: dict[Kind, Usd]

    @model_validator(mode="after")
    def _names_both_directions(self) -> Self:
        if missing := {"input", "output"} - set(self.per_million_usd):
            raise ValueError(f"per_million_usd lacks {sorted(missing)}")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    prices: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model as the table has it.

    `without_thinking` is what the vendor wants to hear so that nothing is spent on thoughts: a
    caption needs none. Empty where it cannot be had.
    """

    name: str
    price: TokenPrice
    without_thinking: str = ""


def read_models(path: Path | None = None) -> Mapping[tuple[str, str], KnownModel]:
    """The models of a price file by provider and name. Reads the disk: not for the event loop.

    Raises PriceFileError.
    """
    chosen = path or PRICES_FILE
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
    return {(entry.provider, entry.model): _known(entry) for entry in read.prices}


def _known(entry: _Entry) -> KnownModel:
    prices: dict[str, Decimal] = {str(kind): usd for kind, usd in entry.per_million_usd.items()}
    price = TokenPrice(entry.source, entry.read, prices)
    return KnownModel(entry.model, price, entry.without_thinking)
