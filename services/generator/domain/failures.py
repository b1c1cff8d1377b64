"""How the generator reacts when a provider fails. Pure decisions."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal


class Reaction(Enum):
    """What to do after a failed call."""

    RETRY = "retry"
    NEXT_PROVIDER = "next_provider"
    FAIL_PIECE = "fail_piece"


class ProviderFailure(Exception):
    """A provider call that gave no usable image.

    `code` is one of CODES. `outcome` is `unknown` when the provider may have done, and billed, the
    work although we hold no answer. An answer that is of no use may have cost money all the same:
    `cost_usd_micros`.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        outcome: Literal["failed", "unknown"] = "failed",
        retry_after_s: float | None = None,
        cost_usd_micros: int = 0,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.outcome = outcome
        self.retry_after_s = retry_after_s
        self.cost_usd_micros = cost_usd_micros


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often one provider is asked for one piece, and how long to wait in between (seconds)."""

    max_retries: int = 3
    backoff_base_s: float = 1.0
    longest_wait_s: float = 60.0

    def delay_s(self, retries_done: int, *, jitter: float, retry_after_s: float | None) -> float:
        """1 s, 2 s, 4 s … times the base, up to a quarter more by `jitter` in 0..1."""
        if retry_after_s is not None:
            return min(max(retry_after_s, 0.0), self.longest_wait_s)
        grown = self.backoff_base_s * 2.0 ** min(retries_done, 10)
        return min(grown * (1 + jitter / 4), self.longest_wait_s)

    def rest_s(self, retry_after_s: float | None) -> float:
        """How long everybody shall leave a provider alone that asked for it."""
        return min(max(retry_after_s or 0.0, 0.0), self.longest_wait_s)


# No provider can help a piece whose own input is at fault.
_FAILS_PIECE = frozenset({"LORA_LOAD_FAILED", "INVALID_PROMPT"})
# What the provider did properly refuse says nothing against it.
_CALLERS_FAULT = _FAILS_PIECE | {"CONTENT_FILTERED", "LORA_DOWNLOAD_FAILED", "REFUSED"}
# The worker is out of order in a way that one fresh try may cure.
_ONE_RETRY = frozenset({"MODEL_LOAD_FAILED", "CUDA_OOM"})
_RETRIES = frozenset(
    {"LORA_DOWNLOAD_FAILED", "TIMEOUT", "CONNECTION", "SERVER_ERROR", "RATE_LIMITED"}
)


CODES = frozenset(
    {
        *_FAILS_PIECE,
        *_ONE_RETRY,
        *_RETRIES,
        "GENERATION_FAILED",
        "BAD_RESPONSE",
        "REFUSED",
        "CONTENT_FILTERED",
        "NO_CREDIT",
        "UNAUTHORIZED",
        "CANCELLED",
        "LORA_NOT_APPLIED",
        "NOT_FOUND",
        "NOT_CONFIGURED",
    }
)
"""Every code that a failure may have; a vendor's own ones are translated."""


class Blame(Enum):
    """What a failure says about the provider's health."""

    PROVIDER = "provider"
    """It is out of order."""
    CALLER = "caller"
    """It answered as it should: what it was asked is at fault."""
    NOBODY = "nobody"
    """It is busy, which is no failure."""


def blame_for(code: str) -> Blame:
    """Who is at fault for the failure `code`."""
    if code == "RATE_LIMITED":
        return Blame.NOBODY
    return Blame.CALLER if code in _CALLERS_FAULT else Blame.PROVIDER


def reaction_to(code: str, *, retries_done: int, policy: RetryPolicy) -> Reaction:
    """Decide after the failure `code`, with `retries_done` retries at this provider behind us."""
    if code in _FAILS_PIECE:
        return Reaction.FAIL_PIECE
    allowed = policy.max_retries if code in _RETRIES else min(1, policy.max_retries)
    if code in _RETRIES | _ONE_RETRY and retries_done < allowed:
        return Reaction.RETRY
    return Reaction.NEXT_PROVIDER
