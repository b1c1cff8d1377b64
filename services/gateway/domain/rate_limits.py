"""How many requests a caller may make: a bucket of tokens that refills evenly."""

from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from shared.calls import RateLimit

MAX_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has left. `retry_after_s` is None if the request may pass."""

    limit: RateLimit
    remaining: int
    full_after_s: int
    retry_after_s: int | None = None


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimits:
    """The buckets of all callers, of this process alone: each replica grants the whole limit.

    The callers least recently heard of are forgotten beyond `MAX_CALLERS`, with full buckets.
    """

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, limit: RateLimit, *, now: float) -> Allowance:
        """Take a token if there is one. `now` is seconds of a clock that never runs backwards."""
        bucket = self._bucket(caller, limit, now)
        per_s = limit.requests / limit.window_s
        refilled = bucket.tokens + (now - bucket.filled_at) * per_s
        bucket.tokens, bucket.filled_at = min(limit.requests, refilled), now
        retry_after_s = None if bucket.tokens >= 1 else ceil((1 - bucket.tokens) / per_s)
        if retry_after_s is None:
            bucket.tokens -= 1
        full_after_s = ceil((limit.requests - bucket.tokens) / per_s)
        return Allowance(limit, int(bucket.tokens), full_after_s, retry_after_s)

    def _bucket(self, caller: str, limit: RateLimit, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(caller, _Bucket(limit.requests, now))
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return bucket
