"""In which order providers are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.generator.domain.track import Measured


class Strategy(StrEnum):
    """What counts first."""

    ORDERED = "ordered"
    """The order of the settings."""
    COST_OPTIMIZED = "cost-optimized"
    """Expected cost of an image: the price over the measured success rate."""
    LATENCY_OPTIMIZED = "latency-optimized"
    """Expected time to an image: measured median and success rate, and who waits there already."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider as it stands: `rounds` of calls, ours included, until one of its slots is free."""

    name: str
    price_usd_micros: int
    measured: Measured
    keeps_likeness: bool
    rounds: int = 1


def in_order(candidates: Sequence[Candidate], strategy: Strategy) -> list[Candidate]:
    """The candidates in the order in which to ask them; ties stay in the given order.

    Whoever loses the avatar's likeness comes after everybody who keeps it, however cheap or fast.
    Who has not been measured yet takes its turn at the front, so that it will be.
    """
    match strategy:
        case Strategy.ORDERED:
            return list(candidates)
        case Strategy.COST_OPTIMIZED:
            return sorted(candidates, key=lambda one: (not one.keeps_likeness, _cost(one)))
        case Strategy.LATENCY_OPTIMIZED:
            return sorted(candidates, key=lambda one: (not one.keeps_likeness, _time_s(one)))


def _cost(candidate: Candidate) -> float:
    rate = candidate.measured.success_rate if candidate.measured.tells else 1.0
    return candidate.price_usd_micros / max(rate, 0.01)


def _time_s(candidate: Candidate) -> float:
    expected_s = candidate.measured.expected_s
    if expected_s is not None:
        return expected_s * candidate.rounds
    # Measured, but never with an image in hand: last. Not measured: first.
    return float("inf") if candidate.measured.tells else 0.0
