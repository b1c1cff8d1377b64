"""What a bill says about a call that nobody knows the end of."""

from dataclasses import dataclass
from typing import Literal

from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class Unclear:
    """A call as it stands; `reconciled_cost` is what was said about it before, if anything was."""

    outcome: str
    reconciled_cost: int | None = None


def cost_said(result: Literal["charged", "not_charged"], cost_usd_micros: int) -> int:
    """The final cost. Raises Problem 422 for a charge of nothing, or a cost without a charge."""
    if (result == "charged") != (cost_usd_micros > 0):
        detail = "A call that was charged has a cost, and one that was not has none."
        raise Problem(422, "invalid_request", detail, field="cost_usd_micros")
    return cost_usd_micros


def is_news(call: Unclear, cost_usd_micros: int) -> bool:
    """Whether this is the first time that it is said. Raises Problem 409 attempt_not_unknown."""
    if call.outcome != "unknown":
        detail = f"The call is on record as {call.outcome}; only an unknown one can be reconciled."
        raise Problem(409, "attempt_not_unknown", detail)
    if call.reconciled_cost not in {None, cost_usd_micros}:
        detail = "The call was reconciled already, with another cost."
        raise Problem(409, "attempt_not_unknown", detail)
    return call.reconciled_cost is None
