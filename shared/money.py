"""Money: integers of micro-dollars inside, Decimal at the edges, never a float."""

from decimal import ROUND_HALF_EVEN, Decimal

MICROS = Decimal(1_000_000)


def to_usd(micros: int) -> Decimal:
    """Exact dollars of an amount in micro-dollars."""
    return Decimal(micros) / MICROS


def to_micros(usd: Decimal) -> int:
    """Micro-dollars of an amount in dollars, half-even beyond the sixth digit."""
    return int((usd * MICROS).to_integral_value(rounding=ROUND_HALF_EVEN))
