"""What a call used and cost, shared among its pieces without a remainder."""

from collections.abc import Sequence


def shares(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Whole parts of `total` in proportion to the weights; they add up to it exactly.

    Largest remainder: everybody gets the whole part of their due, and what is left goes one by
    one to whom the most was cut off, the first among equals. No weights at all are equal ones.
    """
    if not any(weights):
        weights = [1] * len(weights)
    everything = sum(weights)
    dues = [divmod(total * weight, everything) for weight in weights]
    parts = [whole for whole, _ in dues]
    by_remainder = sorted(range(len(dues)), key=lambda place: (-dues[place][1], place))
    for place in by_remainder[: total - sum(parts)]:
        parts[place] += 1
    return tuple(parts)
