"""What each piece of a call used and cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.hooks.domain.prices import TokenPrice, Usage
from services.hooks.domain.shares import shares


@dataclass(frozen=True, slots=True)
class Share:
    """One piece's part of a call."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd_micros: int = 0


def bill(usage: Usage | None, price: TokenPrice, answered_chars: Sequence[int]) -> list[Share]:
    """The parts of a call's pieces; they add up to what the vendor counted, exactly.

    What was read is shared equally, what was written by how much of it was written for whom, the
    cost by both. Nothing is known to have been used where `usage` is None.
    """
    if usage is None:
        return [Share() for _ in answered_chars]
    inputs = shares(usage.all_input, [1] * len(answered_chars))
    outputs = shares(usage.output, answered_chars)
    weights = [price.weight(*each) for each in zip(inputs, outputs, strict=True)]
    costs = shares(price.of(usage), weights)
    return [Share(*each) for each in zip(inputs, outputs, costs, strict=True)]
