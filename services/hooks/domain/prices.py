"""What models charge for tokens, in micro-dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, each counted once."""

    input: int = 0
    cached_input: int = 0
    cache_write: int = 0
    output: int = 0

    @property
    def all_input(self) -> int:
        """What was read, from a cache or not."""
        return self.input + self.cached_input + self.cache_write


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """Dollars for a million tokens of each kind of Usage, which is micro-dollars for one.

    `read` is the day on which `source` was looked up.
    """

    source: str
    read: date
    per_million_usd: Mapping[str, Decimal] = field(default_factory=dict)

    def of(self, usage: Usage) -> int:
        """Micro-dollars of a call, rounded up. A kind without a price costs what input does."""
        total = sum(
            (self._each(kind) * getattr(usage, kind) for kind in Usage.__dataclass_fields__),
            Decimal(0),
        )
        return int(total.to_integral_value(rounding=ROUND_CEILING))

    def weight(self, input_tokens: int, output_tokens: int) -> int:
        """How much of a call's cost so many tokens stand for, in no unit."""
        return int(
            1000 * (self._each("input") * input_tokens + self._each("output") * output_tokens)
        )

    def _each(self, kind: str) -> Decimal:
        return self.per_million_usd.get(kind, self.per_million_usd["input"])
