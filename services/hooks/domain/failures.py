"""How the service reacts when a model fails. Pure decisions."""

from typing import Literal

from services.hooks.domain.prices import Usage

InsteadOf = Literal["", "refused", "malformed", "unavailable", "blocked"]

_ONCE_MORE = frozenset({"TIMEOUT", "CONNECTION", "SERVER_ERROR", "BAD_RESPONSE", "MALFORMED"})
_BUSY = frozenset({"RATE_LIMITED", "OVERLOADED"})
_NO_FAILURE = frozenset({"REFUSED"})

CODES = frozenset({*_ONCE_MORE, *_BUSY, *_NO_FAILURE, "REJECTED"})
"""Every code that a failure may have."""


class CopyFailure(Exception):
    """A call that gave no captions.

    REFUSED: the model will not. MALFORMED: it answered something else; BAD_RESPONSE: what came is
    no answer of the vendor's. REJECTED: the vendor turns the request down, now as later. `outcome`
    is `unknown` where the vendor may have done, and billed, the work although we hold no answer.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        outcome: Literal["failed", "unknown"] = "failed",
        retry_after_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.outcome = outcome
        self.retry_after_s = retry_after_s
        self.usage = usage

    @property
    def is_worth_another_call(self) -> bool:
        """Whether the same vendor may well answer now."""
        return self.code in _ONCE_MORE

    @property
    def is_busy(self) -> bool:
        """Whether the vendor asks for patience."""
        return self.code in _BUSY

    @property
    def counts_against(self) -> bool:
        """Whether the vendor is out of order. To be asked for patience is no failure."""
        return self.code not in _NO_FAILURE | {"RATE_LIMITED"}

    @property
    def instead_of(self) -> InsteadOf:
        """What is said of the captions that stand in."""
        if self.code == "REFUSED":
            return "refused"
        return "malformed" if self.code in {"MALFORMED", "BAD_RESPONSE"} else "unavailable"


def rest_s(failure: CopyFailure, busy_in_a_row: int, *, jitter: float) -> float:
    """How long everybody leaves a busy vendor alone, in seconds: as it says, at most a minute.

    Where it says nothing: 1 s, 2 s, 4 s … up to a quarter more by `jitter` in 0..1.
    """
    if failure.retry_after_s is not None:
        return min(max(failure.retry_after_s, 0.0), 60.0)
    return min(2.0 ** min(busy_in_a_row - 1, 6) * (1 + jitter / 4), 60.0)
