"""What becomes of a message after its handler: pure decisions, no broker."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.outcomes import GiveUp, TryLater

BUG_RETRIES = 5
"""Deliveries granted to a handler that fails in a way nobody foresaw."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Hand the message back; the broker shall deliver it again after `after_s` seconds."""

    after_s: float


@dataclass(frozen=True, slots=True)
class Halt:
    """Tell the ledger that this step cannot go on with the piece."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Bury:
    """Keep the message as a dead letter: no piece can be told."""

    reason: str
    detail: str


Settlement = Retry | Halt | Bury


def backoff_s(deliveries: int, *, jitter: float) -> float:
    """Exponential delay after the nth delivery, spread by `jitter` in 0..1 over its upper half."""
    full = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(max(0, deliveries - 1), 16))
    return full / 2 + full / 2 * jitter


def settle_failure(
    exc: Exception,
    *,
    deliveries: int,
    now: datetime,
    deadline_at: datetime | None,
    jitter: float | None = None,
) -> Settlement:
    """Decide after a handler raised.

    `deliveries` is the broker's count. It restarts after a broker crash, so it only shapes delays
    and bounds bugs; what ends a piece for good is `deadline_at`. None means the step records what
    has happened and never gives up on it.
    """
    spread = random.random() if jitter is None else jitter  # noqa: S311 - not a secret
    match exc:
        case GiveUp() if deadline_at is not None:
            return Halt(exc.reason, exc.detail)
        case GiveUp():
            return Bury(exc.reason, exc.detail)
        case TryLater():
            delay = exc.after_s if exc.after_s is not None else backoff_s(deliveries, jitter=spread)
            return _retry_until(deadline_at, now, delay, exc.detail)
    detail = f"{type(exc).__name__} after {deliveries} deliveries"
    if deliveries < BUG_RETRIES:
        return _retry_until(deadline_at, now, backoff_s(deliveries, jitter=spread), detail)
    if deadline_at is None:
        return Bury("internal_error", detail)
    return Halt("internal_error", detail)


def _retry_until(
    deadline_at: datetime | None, now: datetime, delay_s: float, detail: str
) -> Settlement:
    if deadline_at is None:
        return Retry(delay_s)
    if now >= deadline_at:
        return Halt("deadline", detail)
    # Come back for the deadline itself rather than long after it.
    left = (deadline_at - now) / timedelta(seconds=1)
    return Retry(min(delay_s, left + 0.1))
