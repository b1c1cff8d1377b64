"""How values look in requests and answers."""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer

from shared.money import to_usd


def _number(amount: Decimal) -> float:
    # A JSON number has no type; up to 15 digits the shortest float prints exactly the decimal.
    return float(amount)


JsonDecimal = Annotated[Decimal, PlainSerializer(_number, return_type=float, when_used="json")]
"""A decimal that is a number in JSON, exact to 15 digits: a billion dollars to the micro-dollar."""


def usd(micros: int) -> Decimal:
    """Dollars for an answer."""
    return to_usd(micros)


def seconds(milliseconds: int) -> Decimal:
    """Seconds for an answer, to the millisecond."""
    return Decimal(milliseconds) / 1000


class Body(BaseModel):
    """A request body: what it does not know it refuses, so that a typing error is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)
