"""What becomes of a message after its handler: pure decisions, no broker."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.outcomes import GiveUp, TryLater

BUG_RETRIES = 5
"""Attempts granted to a handler that fails in a way nobody foresaw."""

SHORTEST_DELAY_S = 0.1
"""A message handed back without any delay would come back a thousand times a second."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0
_LONGEST_WISH_S = 3600.0


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
    failures: int,
    now: datetime,
    deadline_at: datetime | None,
    jitter: float | None = None,
) -> Settlement:
    """Decide after a handler raised.

    `deliveries` is the broker's count. It restarts after a broker crash and grows with every
    `TryLater`, so it only shapes delays; `failures` is how often this message has met a bug, this
    time included. What ends a piece for good is `deadline_at`; None means the step records what
    has happened and never gives up on it.
    """
    spread = random.random() if jitter is None else jitter  # noqa: S311 - not a secret
    match exc:
        case GiveUp() if deadline_at is not None:
            return Halt(exc.reason, exc.detail)
        case GiveUp():
            return Bury(exc.reason, exc.detail)
        case TryLater():
            return _retry_until(deadline_at, now, _delay_s(exc, deliveries, spread), exc.detail)
    detail = f"{type(exc).__name__} after {failures} attempts"
    if failures < BUG_RETRIES:
        return _retry_until(deadline_at, now, backoff_s(deliveries, jitter=spread), detail)
    if deadline_at is None:
        return Bury("internal_error", detail)
    return Halt("internal_error", detail)


def _delay_s(exc: TryLater, deliveries: int, spread: float) -> float:
    if exc.after_s is None:
        return backoff_s(deliveries, jitter=spread)
    return min(max(SHORTEST_DELAY_S, exc.after_s), _LONGEST_WISH_S)


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
